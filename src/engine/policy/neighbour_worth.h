// What a connection is worth, where there is not room for all: whether it counts as a neighbour,
// and who makes way for a newcomer. Connections cost a stranger nothing, so only what was exchanged
// counts for long. Pure.
#pragma once

#include <algorithm>
#include <cstdint>

#include "engine/base/ensure.h"
#include "engine/base/instant.h"

namespace murder::policy {

struct NeighbourFacts {
  bool outgoing = false;   // we dialled it
  bool shaken = false;     // it said who it is
  bool exchanged = false;  // a piece of it was right, or it confirmed one of ours
  bool let_down = false;   // what it granted came to nothing, or what others at its address did
  bool under_way = false;  // something is asked or promised, in either direction
  bool named = false;      // a tracker told of a host at its address
  Duration age{};
  Duration unused{};              // since payload went either way; its age when none did
  uint32_t twins_at_address = 0;  // connections from its address that exchanged nothing
};

// How long a connection counts before anything was exchanged, unless it let us down: who was
// dialled was named by a tracker.
[[nodiscard]] inline bool counts_as_neighbour(const NeighbourFacts& facts) {
  constexpr Duration dialed_until = std::chrono::seconds(5);
  constexpr Duration came_until = std::chrono::seconds(2);
  return facts.exchanged ||
         (!facts.let_down && facts.age < (facts.outgoing ? dialed_until : came_until));
}

// The higher, the sooner it makes way; 0: never.
[[nodiscard]] inline uint32_t eviction_rank(const NeighbourFacts& facts) {
  constexpr Duration used_lately = std::chrono::seconds(10);
  constexpr Duration settles_within = std::chrono::milliseconds(250);
  constexpr Duration starts_within = std::chrono::seconds(2);
  ENSURE(facts.unused <= facts.age);
  const bool was_used = facts.unused < facts.age;
  if (was_used && facts.unused < used_lately) {
    return 0;
  }
  if (facts.exchanged) {
    return facts.unused < used_lately ? 0 : 1;
  }
  if (facts.age < settles_within || (facts.under_way && facts.age < starts_within)) {
    return 0;
  }
  constexpr uint32_t seconds_max = 60;
  const auto seconds = static_cast<uint32_t>(
      std::clamp<int64_t>(facts.age / std::chrono::milliseconds(100), 0, 10 * seconds_max));
  constexpr uint32_t for_each_twin = 1000;
  constexpr uint32_t for_unknown = 2 * for_each_twin;
  const uint32_t crowd = std::min(facts.twins_at_address, 1000U) * for_each_twin;
  return 2 + crowd + seconds + (facts.shaken ? 0 : 10 * seconds_max) +
         (facts.named ? 0 : for_unknown);
}

}  // namespace murder::policy
