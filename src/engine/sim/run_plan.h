// When hosts join, die and lose connections, drawn before a run begins.
#pragma once

#include "engine/base/prng.h"
#include "engine/sim/fleet.h"
#include "engine/sim/options.h"

namespace murder::sim {

// The seeder is there this long before the others.
inline constexpr Duration seeder_lead = std::chrono::seconds(1);

// Puts it all into the hosts' agendas.
void plan_run(Fleet& fleet, const Options& options, Prng prng);

}  // namespace murder::sim
