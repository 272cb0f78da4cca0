#include "cli/commands/coordinate/own_command.h"

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <optional>
#include <string_view>

#include "engine/base/monotonic_clock.h"
#include "engine/host/child_process.h"
#include "engine/host/own_program.h"

namespace murder::cli {
namespace {

constexpr size_t own_output_kept_max = 1024 * 1024;
constexpr int own_command_look_ms = 50;

void keep_tail_of(std::string& text, std::string_view part) {
  text += part;
  if (text.size() > own_output_kept_max) {
    text.erase(0, text.size() - own_output_kept_max);
  }
}

Json last_object_of_command(std::string_view text) {
  Json last;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    if (Result<Json> json = parse_json(text.substr(0, end)); json && json->is_object()) {
      last = std::move(*json);
    }
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return last;
}

}  // namespace

Result<Json> run_own_command(const std::vector<std::string>& words, Duration most) {
  Result<std::string> program = host::own_program_path();
  if (!program) {
    return fail(program.error());
  }
  std::vector<std::string> arguments = {std::move(*program)};
  arguments.insert(arguments.end(), words.begin(), words.end());
  Result<host::ChildProcess> child = host::ChildProcess::start({.arguments = arguments});
  if (!child) {
    return fail(child.error());
  }
  const Instant deadline = monotonic_now() + most;
  std::string output;
  std::string log;
  std::optional<host::ChildProcess::End> end;
  while (!end) {
    pollfd sources[] = {{.fd = child->pid_fd(), .events = POLLIN, .revents = 0},
                        {.fd = child->output_fd(), .events = POLLIN, .revents = 0},
                        {.fd = child->log_fd(), .events = POLLIN, .revents = 0}};
    ::poll(sources, std::size(sources), own_command_look_ms);
    end = child->reap();
    child->read_output([&](std::string_view part) { keep_tail_of(output, part); });
    child->read_log([&](std::string_view part) { keep_tail_of(log, part); });
    if (!end && monotonic_now() >= deadline) {
      return fail(ErrorCode::timeout, fmt::format("murder {}: timed out", words.front()));
    }
  }
  Json told = last_object_of_command(output);
  if (end->exit_code == 0) {
    return told;
  }
  while (log.ends_with('\n')) {
    log.pop_back();
  }
  return fail(ErrorCode::io,
              text_member(told["error"], "text",
                          log.empty() ? fmt::format("murder {} failed", words.front()) : log));
}

}  // namespace murder::cli
