#include "cli/commands/completion/complete_command.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/time.h>
#include <unistd.h>

#include <csignal>

#include "cli/commands/completion/candidate_sources.h"
#include "cli/commands/completion/completion_point.h"
#include "cli/ui/command.h"
#include "cli/ui/output.h"

namespace murder::cli {
namespace {

// A file system that does not answer must not hold up the shell.
constexpr suseconds_t time_max_us = 400'000;

void end_now(int) {
  _exit(exit_done);
}

void bound_time() {
  std::signal(SIGALRM, end_now);
  const itimerval timer{.it_interval = {}, .it_value = {.tv_sec = 0, .tv_usec = time_max_us}};
  setitimer(ITIMER_REAL, &timer, nullptr);
}

void silence_errors() {
  const int fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
  if (fd >= 0) {
    dup2(fd, 2);
    close(fd);
  }
}

std::string_view shell_directive(const CompletionPoint& point) {
  switch (point.kind) {
    case ValueKind::path:
      return "files";
    case ValueKind::directory:
      return "directories";
    case ValueKind::torrent:
      return point.value_of("--from").empty() ? "torrents" : "";
    case ValueKind::user:
      return "users";
    default:
      return {};
  }
}

}  // namespace

int run_complete(std::vector<std::string> words) {
  silence_errors();
  bound_time();
  for (std::string& word : words) {
    word = unquoted_word(word);
  }
  const CommandDescription program = describe_program(words.size() > 1 ? words.front() : "");
  const CompletionPoint point = completion_point(program, words);
  std::string out;
  for (const auto& candidates : {point.candidates, candidates_here(point)}) {
    for (const Candidate& candidate : candidates) {
      out += fmt::format("{}\t{}\n", candidate.word, candidate.description);
    }
  }
  if (const std::string_view directive = shell_directive(point);
      !directive.empty() && point.typed.find_first_of("\n\t") == std::string::npos) {
    out += fmt::format(":{}\t{}\t{}\n", directive, point.before, point.typed);
  }
  static_cast<void>(print_result(out));
  return exit_done;
}

}  // namespace murder::cli
