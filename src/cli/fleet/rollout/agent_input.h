// What the agent of a deploy reads on a host: its configuration, behind the key of the deploy if it
// has one.
#pragma once

#include <string>
#include <string_view>

#include "cli/fleet/deploy_run.h"
#include "cli/fleet/rollout/agent_start.h"

namespace murder::fleet {

struct AgentPlace {
  std::string coordinator;  // "10.0.0.1:8998"
  std::string app;
  bool is_recorded = true;
  bool had_release = false;  // of an earlier deploy of it: nothing is put in its place
};

[[nodiscard]] std::string agent_input_of(const DeployRun& run, HostIndex host,
                                         const AgentPlace& place);
[[nodiscard]] AgentWords agent_words_of(const DeployRun& run);
// The same of one that the coordinator does not see, as it is passed on: it says where it is.
[[nodiscard]] std::string passed_agent_input_of(const DeployRun& run, HostIndex host,
                                                const AgentPlace& place);

}  // namespace murder::fleet
