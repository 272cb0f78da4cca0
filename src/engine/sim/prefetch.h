// Brings what hosts will need into the processor's caches, ahead of time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "engine/sim/fleet.h"
#include "engine/sim/transfers.h"

namespace murder::sim {

// While the host at `position` of those that are due is served: the state of many hosts is not in
// the caches, so what the next ones will need up to `horizon` is asked for, first the objects, then
// what they point to.
void prefetch(const Fleet& fleet, const Sides& sides, Instant horizon,
              const std::vector<uint32_t>& due, size_t position);

}  // namespace murder::sim
