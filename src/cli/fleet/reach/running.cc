#include "cli/fleet/reach/running.h"

#include <cerrno>
#include <csignal>

namespace murder::fleet {
namespace {

// A tree watches over each host's time itself; this is for the case that it hangs.
Duration time_limit(const Running::Options& options, bool is_labelled) {
  if (!is_labelled) {
    return options.command_timeout;
  }
  const auto rounds = static_cast<int64_t>(options.jobs.size() / options.forks) + 2;
  return options.command_timeout * rounds;
}

}  // namespace

Result<std::unique_ptr<Running>> Running::start(const Launch& launch, Options options) {
  std::optional<LiveInput> live_input;
  if (options.has_live_input || !options.session_mark.empty()) {
    Result<LiveInput> made = LiveInput::make();
    if (!made) {
      return fail(made.error());
    }
    live_input.emplace(std::move(*made));
    options.input_fd = live_input->reading_fd();
  }
  host::ChildOptions child_options{.arguments = launch.arguments, .input_fd = options.input_fd};
  io::Fd hosts;
  if (!launch.hosts_text.empty()) {
    Result<io::Fd> file = host::memory_file(launch.hosts_text);
    if (!file) {
      return fail(file.error());
    }
    hosts = std::move(*file);
    child_options.extra_fd = hosts.get();
  }
  Result<ChildProcess> child = ChildProcess::start(child_options);
  if (!child) {
    return fail(child.error());
  }
  if (live_input) {
    live_input->started();
    live_input->write(options.session_mark.empty() ? std::string_view() : session_answers);
  }
  return std::unique_ptr<Running>(new Running(std::move(*child), std::move(options),
                                              launch.is_labelled, std::move(live_input)));
}

Running::Running(ChildProcess child, Options options, bool is_labelled,
                 std::optional<LiveInput> input)
    : child_(std::move(child)),
      options_(std::move(options)),
      live_input_(std::move(input)),
      output_(options_.output_bytes_max),
      log_(options_.log_bytes_max) {
  if (is_labelled) {
    labelled_.emplace(options_.addresses, options_.output_bytes_max, options_.log_bytes_max);
  }
  if (!options_.session_mark.empty()) {
    marks_.emplace(options_.session_mark);
  }
  if (options_.command_timeout > Duration{}) {
    deadline_ = options_.now + time_limit(options_, is_labelled);
  }
}

bool Running::is_reusable() {
  if (marks_ && has_process_ && child_.reap()) {
    has_process_ = false;
  }
  return marks_ && has_process_ && state_ == State::ended;
}

void Running::begin(Options options, std::string_view line) {
  options.session_mark = options_.session_mark;
  options_ = std::move(options);
  output_ = Tail(options_.output_bytes_max);
  log_ = Tail(options_.log_bytes_max);
  marks_->begin();
  state_ = State::running;
  end_ = {};
  deadline_ = options_.command_timeout > Duration{} ? options_.now + options_.command_timeout
                                                    : instant_never;
  live_input_->write(line);
}

std::array<int, 3> Running::descriptors() const {
  return {child_.pid_fd(), child_.output_fd(), child_.log_fd()};
}

void Running::stop(Instant now, Why why) {
  if (state_ != State::running) {
    return;
  }
  state_ = State::ending;
  why_ = why;
  deadline_ = now + limits::kill_grace;
  child_.send_signal(SIGTERM);
}

void Running::read() {
  child_.read_output([this](std::string_view part) {
    if (marks_) {
      marks_->take_output(part);
    }
    labelled_ ? labelled_->take_output(part) : output_.append(part);
    if (!labelled_ && options_.on_output) {
      options_.on_output(part);
    }
  });
  child_.read_log([this](std::string_view part) {
    if (marks_) {
      marks_->take_log(part);
    }
    labelled_ ? labelled_->take_log(part) : log_.append(part);
  });
}

bool Running::advance(Instant now) {
  if (state_ == State::ended) {
    return true;
  }
  // The end first: what the process wrote before it is then in the pipes. They may stay open behind
  // it (ssh's shared connection goes on in the background), so their end is not waited for.
  const std::optional<ChildProcess::End> end = child_.reap();
  if (live_input_) {
    live_input_->send();
  }
  read();
  has_process_ = has_process_ && !end;
  if (const std::optional<int> code = marks_ ? marks_->exit_code() : std::nullopt;
      code && state_ == State::running) {
    end_ = {.exit_code = *code};
    state_ = State::ended;
    deadline_ = instant_never;
    return true;
  }
  if (end) {
    end_ = *end;
    state_ = state_ == State::running ? State::ended : state_;
    deadline_ = instant_never;
    return true;
  }
  if (now >= deadline_) {
    if (state_ == State::running) {
      stop(now, Why::too_slow);
    } else {
      state_ = State::killed;
      deadline_ = instant_never;
      child_.send_signal(SIGKILL);
    }
  }
  return false;
}

AttemptEnd Running::attempt_end() const {
  const bool is_cut_short = state_ != State::ended;
  return {.exit_code = end_.exit_code,
          .signal = end_.signal,
          .is_timed_out = is_cut_short && why_ == Why::too_slow,
          .is_stopped = is_cut_short && why_ == Why::stopped};
}

void Running::tell(std::deque<HostResult>& results) {
  if (labelled_) {
    tell_labelled(results);
  } else {
    HostResult& result = results[options_.jobs.front()];
    result.output_is_cut = output_.is_cut();
    result.output = output_.take();
    result.log_tail = log_.take();
    judge_attempt(attempt_end(), result);
  }
}

void Running::tell_labelled(std::deque<HostResult>& results) {
  labelled_->finish();
  const std::string own_log = labelled_->own_log().take();
  for (size_t index = 0; index < options_.jobs.size(); ++index) {
    HostResult& result = results[options_.jobs[index]];
    LabelledOutput::Part& part = labelled_->part(index);
    result.output_is_cut = part.output.is_cut();
    result.output = part.output.take();
    result.log_tail = part.log.take();
    AttemptEnd end = attempt_end();
    const bool is_told = part.exit_code >= 0 || part.is_timed_out;
    if (is_told) {
      end = {.exit_code = part.exit_code, .is_timed_out = part.is_timed_out};
    } else if (end.exit_code == 0) {
      end.exit_code = -1;  // it ended well and said nothing of this host
    }
    if (!is_told && result.log_tail.empty()) {
      result.log_tail = own_log;
    }
    judge_attempt(end, result);
  }
}

}  // namespace murder::fleet
