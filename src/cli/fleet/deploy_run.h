// What the stages of a deploy share: its hosts, and the runner that their commands go through. Each
// stage adds its own jobs as their time comes and takes their results.
#pragma once

#include <string>
#include <vector>

#include "cli/fleet/deploy_options.h"
#include "cli/fleet/plan/deploy_decisions.h"
#include "cli/fleet/plan/host_state.h"
#include "cli/fleet/plan/stage_times.h"
#include "cli/fleet/reach/runner.h"
#include "cli/fleet/work.h"
#include "engine/base/monotonic_clock.h"

namespace murder::fleet {

struct DeployHost {
  HostState state = HostState::connecting;  // of a peer
  Reach reach = Reach::unknown;
  bool is_peer = false;
  bool is_touched = false;  // something of this deploy may run or lie there
  bool is_silent = false;   // its last command was not answered: not to be waited for again
  bool has_failed = false;  // it is in the table of failures
  bool is_already = false;  // the release was there before
  bool has_begun = false;   // its peer spoke
  uint64_t done_bytes = 0;  // of the archive
  uint64_t total_bytes = 0;
  Instant moved_at{};  // the last progress
  std::string line;    // of its output, as far as it has come

  [[nodiscard]] bool is_settled() const {
    return state == HostState::ready || state == HostState::active || state == HostState::failed;
  }
};

struct DeployRun {
  // `the_cancel`: what ends its jobs; nullptr: ^C does.
  DeployRun(Work& the_work, const DeployOptions& the_options, RunObserver& observer,
            const archive::CancelFlag* the_cancel = nullptr);

  [[nodiscard]] DeployHost& at(HostIndex host) { return hosts[host.raw]; }
  [[nodiscard]] const DeployHost& at(HostIndex host) const { return hosts[host.raw]; }
  [[nodiscard]] StateCounts counts() const;  // of the peers
  // A kind of this deploy's jobs, which `cancel` ends.
  [[nodiscard]] JobKind kind(std::string_view stage) const;
  void add(HostIndex host, const JobKind& kind, const std::string& command);
  // Notes it for the table; a peer of that name is failed.
  void fail_host(HostFailure failure);
  void fail_host(const HostResult& result);
  void fail_host(HostIndex host, std::string_view stage, std::string reason);

  Work& work;
  const DeployOptions& options;
  const archive::CancelFlag& cancel;
  Instant started_at;
  std::string token;  // names this deploy on hosts
  std::string key;    // of its swarm (deploy_key.h); empty: that of the hosts, or none
  Runner runner;
  StageTimes times;
  std::vector<DeployHost> hosts;  // by their index
};

[[nodiscard]] bool contains(std::span<const HostIndex> hosts, HostIndex host);
[[nodiscard]] std::string folded_names(const Work& work, std::span<const HostIndex> hosts);
// 12 hexadecimal digits that no other deploy has.
[[nodiscard]] std::string random_mark();

}  // namespace murder::fleet
