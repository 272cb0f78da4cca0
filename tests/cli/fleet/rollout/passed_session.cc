#include "cli/fleet/rollout/passed_session.h"

#include <doctest/doctest.h>

#include <string>

#include "cli/fleet/plan/framed_command.h"

namespace murder::fleet {
namespace {

HostResult result_of(const std::string& log_text) {
  Tail log(64);
  log.append(log_text);
  HostResult result;
  judge_passed({.exit_code = 1}, log, result);
  static_cast<void>(take_frame(result, {}));
  return result;
}

}  // namespace

TEST_CASE("an agent that said much before it failed is told by its last line") {
  const std::string begin = std::string(frame_begin_mark) + "\n";
  const std::string end = "\n" + std::string(frame_end_mark) + "\n";
  CHECK(result_of(begin + "no room" + end).reason == "no room");
  CHECK(result_of(begin + std::string(1000, 'x') + "\nno room" + end).reason == "no room");
  // Nothing of a frame, and all of the log: no command was run.
  CHECK(result_of("no shell for you").reason ==
        "the login shell of this user runs no commands there (it said: no shell for you)");
}

}  // namespace murder::fleet
