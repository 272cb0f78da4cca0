#include "agent/watched_child.h"

#include <fmt/format.h>
#include <poll.h>

#include <algorithm>
#include <csignal>
#include <utility>

#include "agent/bounds.h"
#include "engine/base/ensure.h"
#include "engine/base/units.h"

namespace murder::agent {

std::string telling_line(std::string_view written) {
  while (!written.empty()) {
    const size_t end = written.find_last_not_of("\r\n\t ");
    if (end == std::string_view::npos) {
      break;
    }
    written = written.substr(0, end + 1);
    const size_t start = written.find_last_of('\n') + 1;  // 0: the first line
    std::string_view line = written.substr(start);
    constexpr std::string_view own = "murder ";
    if (line.starts_with(own)) {
      const size_t colon = line.find(": ");
      const bool is_own =
          colon != std::string_view::npos &&
          line.substr(own.size(), colon - own.size()).find(' ') == std::string_view::npos;
      line.remove_prefix(is_own ? colon + 2 : 0);
    }
    return std::string(line);
  }
  return {};
}

WatchedChild::WatchedChild(io::Reactor& reactor, Ended ended, Line line)
    : reactor_(reactor),
      ended_(ended),
      line_(line),
      end_poll_(callback<&WatchedChild::process_ended>(this)),
      output_poll_(callback<&WatchedChild::output_readable>(this)),
      log_poll_(callback<&WatchedChild::log_readable>(this)),
      timer_(reactor.timers(), callback<&WatchedChild::timer_fired>(this)) {}

WatchedChild::~WatchedChild() {
  ENSURE(!is_busy());
}

Status WatchedChild::start(const ChildRequest& request) {
  ENSURE(!is_busy() && !request.arguments.empty());
  Result<host::ChildProcess> child = host::ChildProcess::start(
      {.arguments = request.arguments, .environment = request.environment});
  if (!child) {
    return fail(child.error());
  }
  child_.emplace(std::move(*child));
  state_ = State::running;
  name_ = request.arguments.front();
  partial_.clear();
  last_line_.clear();
  log_.clear();
  why_ended_.clear();
  is_killed_ = false;
  time_max_ = request.time_max;
  outcome_ = {};
  reactor_.poll(end_poll_, child_->pid_fd(), POLLIN);
  watch_streams();
  if (time_max_ > Duration::zero()) {
    timer_.arm(reactor_.now() + time_max_);
  }
  return {};
}

void WatchedChild::end_soon() {
  if (state_ != State::running) {
    return;
  }
  state_ = State::ending;
  if (why_ended_.empty()) {
    why_ended_ = "it was ended";
  }
  child_->send_signal(SIGTERM);
  timer_.arm(reactor_.now() + limits::agent_kill_after);
}

void WatchedChild::kill_now() {
  if (state_ == State::running || state_ == State::ending) {
    end_soon();
    is_killed_ = true;
    child_->send_signal(SIGKILL);
  }
}

void WatchedChild::timer_fired(io::Timer&) {
  if (state_ == State::running) {
    why_ended_ = fmt::format("timed out after {}", format_duration(time_max_));
    end_soon();
  } else if (state_ == State::ending) {
    kill_now();
  }
}

void WatchedChild::process_ended(io::Operation&, int32_t, uint32_t) {
  if (state_ == State::over) {
    finish_if_quiet();
    return;
  }
  read_output();
  read_log();
  const std::optional<host::ChildProcess::End> end = child_->reap();
  if (!end) {
    reactor_.poll(end_poll_, child_->pid_fd(), POLLIN);
    return;
  }
  timer_.cancel();
  if (!partial_.empty()) {
    take_output("\n");
  }
  outcome_ = outcome_of(*end);
  state_ = State::over;
  for (io::Operation* poll : {&output_poll_, &log_poll_}) {
    if (poll->in_flight()) {
      reactor_.cancel(*poll);
    }
  }
  finish_if_quiet();
}

Status WatchedChild::outcome_of(const host::ChildProcess::End& end) const {
  std::string text = why_ended_;
  if (text.empty()) {
    if (end.exit_code == 0) {
      return {};
    }
    text = end.exit_code < 0 ? fmt::format("ended by signal {}", end.signal)
                             : fmt::format("exit status {}", end.exit_code);
  }
  const std::string line = telling_line(log_.empty() ? last_line_ : log_);
  return fail(why_ended_.empty() ? ErrorCode::io : ErrorCode::timeout,
              line.empty() ? text : fmt::format("{}: {}", text, line));
}

void WatchedChild::output_readable(io::Operation&, int32_t, uint32_t) {
  if (state_ == State::over) {
    finish_if_quiet();
    return;
  }
  read_output();
  watch_streams();
}

void WatchedChild::log_readable(io::Operation&, int32_t, uint32_t) {
  if (state_ == State::over) {
    finish_if_quiet();
    return;
  }
  read_log();
  watch_streams();
}

void WatchedChild::watch_streams() {
  if (child_->output_fd() >= 0 && !output_poll_.in_flight()) {
    reactor_.poll(output_poll_, child_->output_fd(), POLLIN);
  }
  if (child_->log_fd() >= 0 && !log_poll_.in_flight()) {
    reactor_.poll(log_poll_, child_->log_fd(), POLLIN);
  }
}

void WatchedChild::read_output() {
  child_->read_output([this](std::string_view part) { take_output(part); });
}

void WatchedChild::read_log() {
  child_->read_log([this](std::string_view part) {
    log_ += part.substr(part.size() - std::min(part.size(), limits::agent_output_tail_bytes));
    log_.erase(0, log_.size() - std::min(log_.size(), limits::agent_output_tail_bytes));
  });
}

// A line that is longer than the bound is cut there.
void WatchedChild::take_output(std::string_view part) {
  while (!part.empty()) {
    const size_t end = part.find('\n');
    const std::string_view piece = part.substr(0, end);
    partial_ += piece.substr(
        0, limits::agent_line_bytes_max - std::min(limits::agent_line_bytes_max, partial_.size()));
    if (end == std::string_view::npos) {
      return;
    }
    part.remove_prefix(end + 1);
    last_line_ = std::exchange(partial_, {});
    if (line_ && state_ == State::running) {
      line_(last_line_);
    }
  }
}

void WatchedChild::finish_if_quiet() {
  if (end_poll_.in_flight() || output_poll_.in_flight() || log_poll_.in_flight()) {
    return;
  }
  child_.reset();
  state_ = State::idle;
  ended_(*this);
}

}  // namespace murder::agent
