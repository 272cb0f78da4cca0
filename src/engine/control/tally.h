// A rollout's hosts, counted, and what follows from the numbers. Pure.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/control/judge.h"
#include "engine/control/state.h"

namespace murder::control {

struct RackTally {
  uint32_t target_count = 0;
  uint32_t down_count = 0;
};

struct Tally {
  uint32_t target_count = 0;
  uint32_t tried_count = 0;      // told to activate in this rollout, or found to run the release
  uint32_t in_flight_count = 0;  // told, and no outcome yet
  uint32_t failed_count = 0;
  uint32_t down_count = 0;        // counts_as_down()
  uint32_t untried_count = 0;     // present, waiting, not tried
  uint32_t ready_count = 0;       // present, with the release
  uint32_t unreturned_count = 0;  // present, touched, and neither returned nor failed to
  std::vector<RackTally> racks;   // by Agent::rack_number

  void add(const View& view, uint32_t rack_number);
};

// Whether one more host may be taken down, of all and of this rack.
[[nodiscard]] bool has_room(const Tally& tally, const Plan& plan, const Agent& agent);

// Whether the rollout has to stop: the share of failed hosts is reached.
[[nodiscard]] bool has_failed(const Tally& tally, const Plan& plan);

// Whether nothing more can come of the wave under way: as many hosts as it is for were tried, and
// have an outcome. Hosts that are away do not hold up the last wave; an earlier one waits for
// others, since nothing would be known of the release.
[[nodiscard]] bool is_settled(const Tally& tally, const Plan& plan, uint32_t wave);

// The next wave that is for more hosts than this one. The last one has none.
[[nodiscard]] uint32_t wave_after(const Plan& plan, uint32_t wave, uint32_t target_count);

}  // namespace murder::control
