// How a simulation chooses hosts.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <span>
#include <vector>

#include "engine/base/prng.h"

namespace murder::sim {

// A share of `count` hosts, rounded.
[[nodiscard]] inline uint32_t part_of(double share, uint32_t count) {
  return static_cast<uint32_t>(std::lround(std::clamp(share, 0.0, 1.0) * count));
}

// The numbers of all hosts that fetch, 1 to `count`, in random order.
[[nodiscard]] inline std::vector<uint32_t> shuffled_hosts(uint32_t count, Prng& prng) {
  std::vector<uint32_t> order(count);
  std::iota(order.begin(), order.end(), 1U);
  prng.shuffle(std::span(order));
  return order;
}

}  // namespace murder::sim
