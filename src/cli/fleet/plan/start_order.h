// The order in which the hosts of a fleet begin to fetch.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "cli/fleet/plan/inventory.h"

namespace murder::fleet {

// All hosts, mixed; the same seed gives the same order. In an inventory the hosts of a rack stand
// together: who asks the tracker in that order finds neighbours in few racks, the first racks have
// most of the connections between racks, and the release comes into each of them more often
// (docs/swarm.md).
[[nodiscard]] std::vector<HostIndex> start_order(std::span<const HostIndex> hosts, uint64_t seed);

}  // namespace murder::fleet
