// The least time in which a fleet can have a release: what no policy can beat.
#pragma once

#include "engine/base/instant.h"
#include "engine/sim/options.h"

namespace murder::sim {

struct Floor {
  // (m - 1) + ceil(log2(N + 1)) piece times for m pieces and N hosts with links like the seeder's
  // (Bar-Noy and Kipnis 1994), whatever goes wrong in this run.
  Duration plain{};
  // The same with what is known of this run: a slower seeder, uplinks of racks below a host's rate,
  // and the last host that joins, which needs the time of a copy.
  Duration of_this_run{};
};

[[nodiscard]] Floor floor_of(const Options& options);

}  // namespace murder::sim
