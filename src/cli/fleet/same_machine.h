// Two names of one machine: it is found out when both were reached, and the work is done once.
#pragma once

#include <string>
#include <vector>

#include "cli/fleet/plan/other_name.h"
#include "cli/fleet/work.h"

namespace murder::fleet {

void tell_other_name(Work& work, const OtherName& names);
// Takes those of `hosts` off that are a machine which stands before them there, and says so. What
// did not tell what machine it is stays.
std::vector<OtherName> drop_other_names(Work& work, std::vector<HostIndex>& hosts);

// The same after saying hello to hosts that were not reached yet.
[[nodiscard]] std::vector<OtherName> meet_machines(Work& work, std::vector<HostIndex>& hosts);
[[nodiscard]] Json json_of(const Inventory& inventory, std::span<const OtherName> names);

}  // namespace murder::fleet
