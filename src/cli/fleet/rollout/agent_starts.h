// The agents of a deploy by a coordinator: one is started on each host that was reached, once it is
// known where the coordinator is. Where that is not reached from there, what is in place is asked
// for: the agent is then to be passed on.
//
// One thread; the runner tells it what came of its jobs.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "cli/fleet/deploy_run.h"
#include "cli/fleet/rollout/agent_input.h"
#include "engine/base/json.h"

namespace murder::fleet {

// Why the agent of a host, which has ended, is to be passed on; empty: it is not.
[[nodiscard]] std::string reason_to_pass_on(const HostResult& result);

class AgentStarts {
 public:
  struct Options {
    std::string coordinator;  // "10.0.0.1:8998"
    bool is_recorded = false;
    // Of an earlier deploy of it: nothing is put in place of the release that they have.
    std::vector<HostIndex> earlier;
  };

  explicit AgentStarts(DeployRun& run);

  // Where one can be, and is not.
  void start(const Options& options);
  // What came of one of its jobs.
  void take(const JobKind& kind, const HostResult& result);
  // The coordinator is lost: those that are being started, and those that were heard through its
  // host, are to be started again.
  void forget();
  // All are, with another coordinator.
  void begin_again();
  // On which hosts one was started, or is being.
  [[nodiscard]] const std::vector<HostIndex>& begun() const { return begun_; }
  // Hosts that do not reach it, since the last call: their agents are to be passed on.
  struct Unreached {
    HostIndex host;
    AgentPlace place;
    std::string why;
  };
  [[nodiscard]] std::vector<Unreached> take_unreached();
  // What was in place on hosts when their agents began, since the last call.
  struct Placed {
    HostIndex host;
    Json tags;  // by info hash
  };
  [[nodiscard]] std::vector<Placed> take_placed();

 private:
  void start_one(HostIndex host);
  [[nodiscard]] AgentPlace place_of(HostIndex host) const;
  [[nodiscard]] bool has_begun(const HostResult& result);
  void take_agent(const HostResult& result);
  void take_releases(const HostResult& result);

  DeployRun& run_;
  std::deque<JobKind> kinds_;                      // one for each host: what it reads
  std::deque<std::string> inputs_;                 // of these
  JobKind list_kind_;                              // of releases
  std::map<uint32_t, std::string> why_unreached_;  // of these hosts
  std::vector<Unreached> unreached_;
  std::vector<Placed> placed_;
  std::vector<HostIndex> begun_;
  std::optional<Options> options_;  // none: no coordinator is known
};

}  // namespace murder::fleet
