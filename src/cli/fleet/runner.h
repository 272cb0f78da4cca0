// Runs command lines on hosts: `forks` at a time, with timeouts, retries and bounded memory. One
// thread, one poll loop over child processes; nothing of it is left when run_jobs returns.
//
// The number of forks bounds how many hosts are reached at the same moment, so work that takes long
// is to be started in the background there and followed by other means (the tracker knows).
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cli/fleet/launcher.h"
#include "cli/fleet/plan/fleet_bounds.h"
#include "cli/fleet/plan/host_result.h"
#include "cli/fleet/plan/inventory.h"
#include "engine/archive/observer.h"

namespace murder::fleet {

struct Job {
  HostIndex host;       // each host at most once in a run
  std::string command;  // a line for the shell of the remote user, quoted (shell_words.h)
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
  // Exactly once for every job. What is moved out of the result is not in the returned list.
  virtual void finished(HostResult& /*result*/) {}
  // Some times a second, at least: for a live screen.
  virtual void tick() {}
};

// One result per job, in the order of the jobs. The commands of one launcher may be run one after
// the other; connections stay open between them.
[[nodiscard]] std::vector<HostResult> run_jobs(const Inventory& inventory,
                                               std::span<const Job> jobs, Launcher& launcher,
                                               const RunOptions& options,
                                               RunObserver* observer = nullptr);

}  // namespace murder::fleet
