#include "cli/fleet/rollout/passed_session.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

namespace murder::fleet {

// Its output went to others; with a long log the frame's mark in front of that is gone, too.
void judge_passed(const AttemptEnd& end, Tail& log, HostResult& result) {
  result.output_is_cut = log.is_cut();
  result.log_tail = log.take();
  judge_attempt(end, result);
}

Result<PassedSession> PassedSession::start(Work& work, HostIndex host, std::string_view stage,
                                           const std::string& command) {
  const std::array<HostIndex, 1> hosts = {host};
  const Result<Launch> launch = work.launcher().launch(
      {.hosts = hosts, .command = work.framed(host, command), .has_input = true});
  if (!launch) {
    return fail(launch.error());
  }
  int input[2] = {-1, -1};
  if (pipe2(input, O_CLOEXEC) != 0) {
    return fail_errno(errno, "a pipe cannot be made");
  }
  const io::Fd reading(input[0]);
  StreamEnds streams{.input = {}, .output = io::Fd(input[1])};
  Result<host::ChildProcess> child =
      host::ChildProcess::start({.arguments = launch->arguments, .input_fd = reading.get()});
  if (!child) {
    return fail(child.error());
  }
  streams.input = io::Fd(fcntl(child->output_fd(), F_DUPFD_CLOEXEC, 0));
  if (!streams.input.is_open()) {
    return fail_errno(errno, "a descriptor cannot be copied");
  }
  return PassedSession(std::move(*child), {.host = host, .stage = std::string(stage)},
                       std::move(streams));
}

PassedSession::PassedSession(host::ChildProcess child, HostResult result, StreamEnds streams)
    : child_(std::move(child)),
      result_(std::move(result)),
      streams_(std::move(streams)),
      log_(limits::log_bytes_default) {}

std::optional<HostResult> PassedSession::look(Work& work) {
  if (has_ended_) {
    return std::nullopt;
  }
  const std::optional<host::ChildProcess::End> end = child_.reap();
  child_.read_log([this](std::string_view part) { log_.append(part); });
  if (!end) {
    return std::nullopt;
  }
  has_ended_ = true;
  judge_passed({.exit_code = end->exit_code, .signal = end->signal}, log_, result_);
  work.unframe(result_);
  return std::move(result_);
}

}  // namespace murder::fleet
