// What must hold when a run has ended, whatever went wrong in it.
#pragma once

#include "engine/sim/fleet.h"
#include "engine/sim/options.h"

namespace murder::sim {

// Notes the faults at the hosts. Returns how many pieces no living host has any more.
uint32_t check_end(const Fleet& fleet, const Options& options);

}  // namespace murder::sim
