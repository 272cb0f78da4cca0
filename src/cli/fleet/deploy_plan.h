// murder deploy --plan: how long a deploy would take, by simulation. Nothing is done on any host.
#pragma once

#include <span>
#include <string>

#include "cli/fleet/plan/inventory.h"
#include "cli/ui/command.h"
#include "engine/base/result.h"
#include "engine/sim/options.h"

namespace murder::fleet {

// What is not known of the fleet and therefore assumed. Rates are bytes a second.
struct PlanAssumptions {
  uint64_t rate = 1'250'000'000;
  uint64_t rack_uplink = 0;  // 0: racks are not held back
  Duration latency = std::chrono::microseconds(200);
};

// The bytes of a file, or of all files below a directory that `murder create` would pack.
[[nodiscard]] Result<uint64_t> size_of_source(const std::string& path);

// These hosts and their racks as a fleet to simulate. Hosts of no rack stand apart, as the seeder.
[[nodiscard]] sim::Options simulated_fleet(const Inventory& inventory,
                                           std::span<const HostIndex> hosts, uint64_t size_bytes,
                                           const PlanAssumptions& assumptions);

// Simulates and prints the prediction. Returns the exit code.
[[nodiscard]] Result<int> print_plan(const Inventory& inventory, std::span<const HostIndex> hosts,
                                     const std::string& source, const PlanAssumptions& assumptions,
                                     cli::CommandContext& context);

}  // namespace murder::fleet
