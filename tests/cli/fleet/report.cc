#include "cli/fleet/report.h"

#include <doctest/doctest.h>

#include "cli/ui/command.h"

using namespace murder;
using namespace murder::fleet;

namespace {

HostFailure failure(const std::string& name, const std::string& reason, const std::string& log) {
  return {.name = name, .stage = "peer", .outcome = "failed", .reason = reason, .log_tail = log};
}

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("the exit code tells all, some and none apart") {
  CHECK(exit_code_of(16, 0) == cli::exit_done);
  CHECK(exit_code_of(13, 3) == exit_some_failed);
  CHECK(exit_code_of(0, 3) == cli::exit_failed);
}

TEST_CASE("the table has a row for each host, and the logs that say more than the reason") {
  const std::vector<HostFailure> failures = {
      failure("h03", "not reached: no route to host", ""),
      failure("h05", "the disk is too full", "murder peer: the disk is too full\n"),
      failure("h09", "it was killed", "first\r\nsecond \r\n")};
  CHECK(format_failures(failures) ==
        "HOST  STAGE  REASON\n"
        "h03   peer   not reached: no route to host\n"
        "h05   peer   the disk is too full\n"
        "h09   peer   it was killed\n\n"
        "The end of what h09 said:\n    first\n    second");
}

TEST_CASE("many hosts that failed alike share a row") {
  std::vector<HostFailure> failures;
  for (int number = 100; number < 199; ++number) {
    failures.push_back(failure("w" + std::to_string(number), "no space", ""));
  }
  failures.push_back(failure("w500", "not empty", ""));
  const std::string text = format_failures(failures);
  CHECK(contains(text, "w[100-198]"));
  CHECK(contains(text, "99 "));
  CHECK(contains(text, "w500"));
  CHECK(std::count(text.begin(), text.end(), '\n') == 2);
}

TEST_CASE("machines get every failure with its log") {
  const Json json = json_of(std::vector<HostFailure>{failure("h1", "why", "log")});
  CHECK(json_text(json) ==
        R"([{"host":"h1","stage":"peer","outcome":"failed","reason":"why","log":"log"}])");
}
