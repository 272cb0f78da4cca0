// One child process after the other, on a reactor: its lines, how it ended, and the time it may
// take.
//
//   idle -> running -> ending (SIGTERM was sent; after a while SIGKILL, both to the group)
//   running, ending -> over (the process is reaped; operations come back) -> idle, told
//
// It is over when the process itself has ended: what it left in the background may hold its output
// open. Lives on the thread of its reactor, embedded in its owner; not destroyed while it is busy.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "agent/commands.h"
#include "engine/base/callback.h"
#include "engine/base/instant.h"
#include "engine/base/result.h"
#include "engine/host/child_process.h"
#include "engine/io/operation.h"
#include "engine/io/reactor.h"
#include "engine/io/timers.h"

namespace murder::agent {

struct ChildRequest {
  Words arguments;      // [0]: a path, or looked up in PATH
  Words environment;    // added
  Duration time_max{};  // zero: as long as it likes
};

class WatchedChild {
 public:
  // Once for each start() that succeeded, never from within a call of the owner. Idle again.
  using Ended = Callback<void(WatchedChild&)>;
  using Line = Callback<void(std::string_view)>;  // of standard output, bounded

  WatchedChild(io::Reactor& reactor, Ended ended, Line line = {});
  WatchedChild(const WatchedChild&) = delete;
  WatchedChild& operator=(const WatchedChild&) = delete;
  ~WatchedChild();

  // Idle. An Error: nothing was started, and nothing is told.
  [[nodiscard]] Status start(const ChildRequest& request);
  [[nodiscard]] bool is_busy() const { return state_ != State::idle; }
  [[nodiscard]] int pid() const { return child_ ? child_->pid() : -1; }
  // Ends it and its group. It is still told.
  void end_soon();
  // The same, and at once.
  void kill_now();

  // Of the last one, from its end on. `outcome` says why it did not succeed, with the end of what
  // it wrote.
  [[nodiscard]] const Status& outcome() const { return outcome_; }
  // The last line of its standard output.
  [[nodiscard]] const std::string& last_line() const { return last_line_; }

 private:
  enum class State : uint8_t { idle, running, ending, over };

  void process_ended(io::Operation& operation, int32_t result, uint32_t cqe_flags);
  void output_readable(io::Operation& operation, int32_t result, uint32_t cqe_flags);
  void log_readable(io::Operation& operation, int32_t result, uint32_t cqe_flags);
  void timer_fired(io::Timer& timer);
  void read_output();
  void read_log();
  void take_output(std::string_view part);
  void watch_streams();
  void finish_if_quiet();
  [[nodiscard]] Status outcome_of(const host::ChildProcess::End& end) const;

  io::Reactor& reactor_;
  Ended ended_;
  Line line_;
  State state_ = State::idle;
  std::optional<host::ChildProcess> child_;
  io::Operation end_poll_;
  io::Operation output_poll_;
  io::Operation log_poll_;
  io::Timer timer_;
  std::string name_;     // for texts
  std::string partial_;  // of a line
  std::string last_line_;
  std::string log_;        // its end
  std::string why_ended_;  // by us
  Duration time_max_{};
  bool is_killed_ = false;
  Status outcome_;
};

// The last line of what a program wrote that is not empty, without "murder COMMAND: " in front.
[[nodiscard]] std::string telling_line(std::string_view written);

}  // namespace murder::agent
