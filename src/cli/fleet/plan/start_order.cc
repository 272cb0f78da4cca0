#include "cli/fleet/plan/start_order.h"

#include "engine/base/prng.h"

namespace murder::fleet {

std::vector<HostIndex> start_order(std::span<const HostIndex> hosts, uint64_t seed) {
  std::vector<HostIndex> order(hosts.begin(), hosts.end());
  Prng prng(seed);
  prng.shuffle(std::span(order));
  return order;
}

}  // namespace murder::fleet
