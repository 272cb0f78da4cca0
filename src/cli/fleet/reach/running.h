// One launched process of a run: its output so far, its time limit, its end.
//
//   running -> ending (too slow, or stopped: SIGTERM sent) -> killed (SIGKILL sent) -> ended
//
// A session (session_marks.h) may begin another job when one has ended.
#pragma once

#include <array>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/fleet/plan/host_result.h"
#include "cli/fleet/reach/labelled_output.h"
#include "cli/fleet/reach/launcher.h"
#include "cli/fleet/reach/live_input.h"
#include "cli/fleet/reach/session_marks.h"
#include "cli/fleet/reach/tail.h"
#include "engine/host/child_process.h"

namespace murder::fleet {

using host::ChildProcess;

class Running {
 public:
  struct Options {
    std::vector<size_t> jobs;            // positions of the run's jobs
    std::vector<std::string> addresses;  // of their hosts
    int input_fd = -1;
    bool has_live_input = false;    // in place of input_fd
    std::string session_mark = {};  // it is a session
    uint32_t output_bytes_max = 0;
    uint32_t log_bytes_max = 0;
    uint32_t forks = 1;
    Duration command_timeout{};
    Instant now;
    std::function<void(std::string_view)> on_output = {};  // of a launch that is not labelled
  };
  // ErrorCode::limit when there is no room for another process now.
  [[nodiscard]] static Result<std::unique_ptr<Running>> start(const Launch& launch,
                                                              Options options);

  [[nodiscard]] const std::vector<size_t>& jobs() const { return options_.jobs; }
  [[nodiscard]] Instant started() const { return options_.now; }
  // When advance has something to do though no descriptor is readable.
  [[nodiscard]] Instant deadline() const { return deadline_; }
  // What to poll for reading: the process, and its streams (-1 when one has ended).
  [[nodiscard]] std::array<int, 3> descriptors() const;
  // Null: its standard input is not written while it runs.
  [[nodiscard]] LiveInput* live_input() { return live_input_ ? &*live_input_ : nullptr; }

  enum class Why { too_slow, stopped };
  void stop(Instant now, Why why);

  // Reads what is there and looks after the time limit. True: it has ended.
  [[nodiscard]] bool advance(Instant now);
  // A session that can do another job: its last one has ended by itself.
  [[nodiscard]] bool is_reusable();
  void begin(Options options, std::string_view line);
  // Once, after the end: fills the results of its jobs.
  void tell(std::deque<HostResult>& results);

 private:
  enum class State { running, ending, killed, ended };

  Running(ChildProcess child, Options options, bool is_labelled, std::optional<LiveInput> input);
  void read();
  [[nodiscard]] AttemptEnd attempt_end() const;
  void tell_labelled(std::deque<HostResult>& results);

  ChildProcess child_;
  Options options_;
  std::optional<LiveInput> live_input_;
  std::optional<SessionMarks> marks_;
  bool has_process_ = true;
  Tail output_;
  Tail log_;
  std::optional<LabelledOutput> labelled_;
  State state_ = State::running;
  Instant deadline_ = instant_never;
  Why why_ = Why::too_slow;
  ChildProcess::End end_;
};

}  // namespace murder::fleet
