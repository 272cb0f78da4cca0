#include "tracker/neighbour_plan.h"

#include <algorithm>

#include "engine/base/neighbour_bounds.h"

namespace murder::tracker {

namespace {

using namespace limits;

// What one of that many trackers hands out of a number.
uint32_t share_of(uint32_t count, uint32_t tracker_count) {
  return (count + tracker_count - 1) / tracker_count;
}

NeighbourNeed without_rack(const NeighbourSituation& situation) {
  const uint32_t has = situation.neighbour_count;
  const uint32_t there = situation.others_there;
  const NeighbourCounts& counts = neighbours_among(there);
  if (there <= counts.mean()) {
    return {.other_count = has < there || situation.is_stalled ? there : 0};
  }
  // What it was told of is of little use to it: perhaps few of the others are.
  const bool lacks_use = situation.is_stalled || (situation.is_known && has < counts.to_dial / 2);
  if (lacks_use && there <= small_fleet_others_max) {
    return {.other_count = there, .is_search = true};
  }
  if (has >= counts.few) {
    return {};
  }
  if (lacks_use) {
    return {.other_count = counts.mean(), .is_search = true};
  }
  if (has == 0) {
    return {.other_count = counts.to_dial};
  }
  // Some of those it is told of it knows already: the tracker does not remember whom it told.
  const uint64_t told = uint64_t{counts.few - has} * there / (there - has);
  return {.other_count = static_cast<uint32_t>(std::min<uint64_t>(counts.to_dial, told))};
}

NeighbourNeed in_rack(uint32_t has, uint32_t mates_there, uint32_t others_there) {
  const bool is_whole_rack = mates_there <= rack_mates_max;
  const bool is_all_others = others_there <= remote_all_max;
  const uint32_t mates = is_whole_rack ? mates_there : rack_mates_to_dial;
  const uint32_t others = is_all_others ? others_there : remote_to_dial;
  // With these it has enough: the others dial it.
  const uint32_t mates_enough = is_whole_rack ? mates_there : rack_mates_max * 3 / 4;
  const uint32_t enough = mates_enough + (is_all_others ? others_there : remote_to_dial);
  if (has >= enough) {
    return {};
  }
  const uint32_t lacks = enough - has;
  return {.mate_count = is_whole_rack ? mates : std::min(mates, lacks),
          .other_count = is_all_others ? others : std::min(others, lacks)};
}

}  // namespace

const NeighbourCounts& neighbours_among(uint32_t others_there) {
  return others_there <= small_fleet_others_max ? neighbours_in_small_fleet : neighbours;
}

NeighbourNeed neighbours_needed(const NeighbourSituation& situation) {
  if (!situation.has_rack) {
    const NeighbourNeed need = without_rack(situation);
    // All of a small swarm are the same whoever tells of them.
    const bool are_all = need.other_count >= situation.others_there;
    return are_all
               ? need
               : NeighbourNeed{.other_count = share_of(need.other_count, situation.tracker_count),
                               .is_search = need.is_search};
  }
  NeighbourNeed need =
      in_rack(situation.neighbour_count, situation.mates_there, situation.others_there);
  if (need.mate_count < situation.mates_there) {
    need.mate_count = share_of(need.mate_count, situation.tracker_count);
  }
  if (need.other_count < situation.others_there) {
    need.other_count = share_of(need.other_count, situation.tracker_count);
  }
  return need;
}

FamilyShares share_families(uint32_t wanted, uint32_t own_candidates, uint32_t other_candidates) {
  const uint32_t reserved = std::min(other_candidates, wanted / 4);
  const uint32_t own = std::min(own_candidates, wanted - reserved);
  return {.own_count = own, .other_count = std::min(other_candidates, wanted - own)};
}

}  // namespace murder::tracker
