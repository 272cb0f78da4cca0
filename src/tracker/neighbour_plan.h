// How many further neighbours a peer of ours is told of. Pure.
#pragma once

#include <cstdint>

#include "engine/base/neighbour_bounds.h"

namespace murder::tracker {

struct NeighbourSituation {
  uint32_t neighbour_count = 0;  // that the peer has
  bool has_rack = false;
  uint32_t mates_there = 0;    // others in its rack
  uint32_t others_there = 0;   // elsewhere
  uint32_t tracker_count = 1;  // that tell it of some at the same time
  bool is_known = false;       // it fetches, and was told of others before
  bool is_stalled = false;     // likewise, and it got nothing since
};

struct NeighbourNeed {
  uint32_t mate_count = 0;
  uint32_t other_count = 0;
  // Few of them will be neighbours: it was told of others, and they were of little use.
  bool is_search = false;
};

// How many neighbours a peer has that knows no rack, by how many others there are.
[[nodiscard]] const limits::NeighbourCounts& neighbours_among(uint32_t others_there);

// See "The graph of our own peers" in bounds.h. Nothing for a peer that has enough.
[[nodiscard]] NeighbourNeed neighbours_needed(const NeighbourSituation& situation);

// How many peers of the asker's own and of the other address family are handed out, together at
// most `wanted`: the other family gets a quarter, and what the own one leaves.
struct FamilyShares {
  uint32_t own_count = 0;
  uint32_t other_count = 0;
};
[[nodiscard]] FamilyShares share_families(uint32_t wanted, uint32_t own_candidates,
                                          uint32_t other_candidates);

}  // namespace murder::tracker
