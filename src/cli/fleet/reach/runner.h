// Runs command lines on hosts: `forks` at a time, with timeouts, retries and bounded memory. One
// thread, one poll loop over child processes; nothing of it is left when run_jobs returns.
//
// The number of forks bounds how many hosts are reached at the same moment, so work that takes long
// is to be started in the background there and followed by other means (the tracker knows).
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cli/fleet/plan/fleet_bounds.h"
#include "cli/fleet/plan/host_result.h"
#include "cli/fleet/plan/inventory.h"
#include "cli/fleet/reach/launcher.h"
#include "engine/archive/observer.h"

namespace murder::fleet {

// What jobs of a step share. The caller's; it must outlive its jobs.
struct JobKind {
  std::string stage;       // what is being done, for results: "start-tracker"
  std::string_view input;  // standard input of every command; none when empty
  int input_fd = -1;       // the same as an open file that is read from its start; -1: none
  // Instead of these: what is written for each of its jobs, also while it runs (Runner::write).
  bool has_live_input = false;
  Duration command_timeout = limits::command_timeout_default;  // of one attempt; zero: none
  uint32_t retries = limits::retries_default;  // further attempts at a host that was not reached
  Instant retry_until = instant_never;         // and no attempt after this
  uint32_t output_bytes_max = limits::output_bytes_default;
  uint32_t log_bytes_max = limits::log_bytes_default;
  bool follows_output = false;  // RunObserver::output is called
  const archive::CancelFlag* cancel = nullptr;
};

struct Job {
  HostIndex host;
  std::string command;            // a line for the shell of the remote user, quoted (shell_words.h)
  const JobKind* kind = nullptr;  // of run_jobs: null
};

struct RunOptions {
  std::string stage;  // what is being done, for results: "start-tracker"
  // Standard input of every command (the .torrent, the program); none when empty. Stays the
  // caller's and must live until run_jobs returns.
  std::string_view input;
  // The same as an open file that is read from its start, for what is large; -1: none. The
  // caller's as well.
  int input_fd = -1;
  uint32_t forks = limits::forks_default;
  uint32_t retries = limits::retries_default;  // further attempts at a host that was not reached
  Duration command_timeout = limits::command_timeout_default;  // of one attempt; zero: none
  uint32_t output_bytes_max = limits::output_bytes_default;    // what is kept of a host's stdout
  uint32_t log_bytes_max = limits::log_bytes_default;          // what is kept of its stderr
  // Set by ^C: what runs is ended (SIGTERM, then SIGKILL), what waits is not started.
  const archive::CancelFlag* cancel = nullptr;
};

// Called on the thread of run_jobs.
class RunObserver {
 public:
  virtual ~RunObserver() = default;
  virtual void started(HostIndex /*host*/, uint32_t /*attempt*/) {}
  // The host was not reached and is tried again after `wait`.
  virtual void retrying(const HostResult& /*result*/, Duration /*wait*/) {}
  // A part of what a command wrote to its standard output, if its kind follows that; lines may be
  // cut anywhere.
  virtual void output(HostIndex /*host*/, std::string_view /*part*/) {}
  // Exactly once for every job. What is moved out of the result is not in the returned list. Jobs
  // may be added here.
  virtual void finished(HostResult& /*result*/) {}
  // The same for who added jobs of several kinds; called instead.
  virtual void finished_of(const JobKind& /*kind*/, HostResult& result) { finished(result); }
  // Some times a second, at least: for a live screen.
  virtual void tick() {}
};

// Jobs that are added as their time comes. One thread; what still runs at its end is killed.
class Runner {
 public:
  // `forks`: processes at a time, besides those with live input. `keeps_sessions`: where the
  // launcher can, commands of a host go through one session after the other (session_marks.h),
  // unless another host needs its place meanwhile.
  Runner(const Inventory& inventory, Launcher& launcher, uint32_t forks, RunObserver& observer,
         bool keeps_sessions = false);
  Runner(const Runner&) = delete;
  Runner& operator=(const Runner&) = delete;
  ~Runner();

  void add(Job job);
  // Ends the jobs of this host and kind (null: all, nullopt: any): they finish as interrupted or
  // not started.
  void stop(std::optional<HostIndex> host, const JobKind* kind);
  // To the standard input of the latest job of this host and kind, one with has_live_input that has
  // not ended. All of it is written again when the host is tried again.
  void write(HostIndex host, const JobKind& kind, std::string_view text);
  void end_input(HostIndex host, const JobKind& kind);
  [[nodiscard]] bool is_idle() const;
  // Those that wait for a further command: none is to be expected.
  void end_sessions();
  // Hosts that have a session get a command soon: no further host takes the place of one.
  void hold_new_hosts(bool is_held);
  // Nothing but jobs of this kind waits or runs.
  [[nodiscard]] bool is_alone(const JobKind& kind) const;
  // Starts what may start, waits until something happens (at most a tick, and not longer than until
  // `wake_fd`, if not -1, is readable), and reports to the observer.
  void step(int wake_fd = -1);

 private:
  class Run;
  std::unique_ptr<Run> run_;
};

// One result per job, in the order of the jobs; each host at most once. The commands of one
// launcher may be run one after the other; connections stay open between them.
[[nodiscard]] std::vector<HostResult> run_jobs(const Inventory& inventory,
                                               std::span<const Job> jobs, Launcher& launcher,
                                               const RunOptions& options,
                                               RunObserver* observer = nullptr);

}  // namespace murder::fleet
