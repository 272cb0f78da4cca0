// Two names of one machine: it is found out when both were reached, and the work is done once.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "cli/fleet/deploy_run.h"
#include "cli/fleet/plan/other_name.h"
#include "cli/fleet/work.h"

namespace murder::fleet {

// `host` was reached. Where it is the machine of another peer that was, one of the two names is no
// longer a peer: two of one machine would be in each other's way. The first that was named stays,
// unless the work has begun under the other.
void drop_if_other_name(DeployRun& run, HostIndex host, std::vector<OtherName>& names,
                        const std::function<bool(HostIndex)>& has_begun);
// Takes those of `hosts` off that are a machine which stands before them there, and says so. What
// did not tell what machine it is stays.
std::vector<OtherName> drop_other_names(Work& work, std::vector<HostIndex>& hosts);

// The same after saying hello to hosts that were not reached yet.
[[nodiscard]] std::vector<OtherName> meet_machines(Work& work, std::vector<HostIndex>& hosts);
[[nodiscard]] Json json_of(const Inventory& inventory, std::span<const OtherName> names);

}  // namespace murder::fleet
