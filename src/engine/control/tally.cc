#include "engine/control/tally.h"

#include <algorithm>

#include "engine/base/ensure.h"

namespace murder::control {

void Tally::add(const View& view, uint32_t rack_number) {
  const Target& target = view.target;
  if (racks.size() <= rack_number) {
    racks.resize(rack_number + 1);
  }
  const uint32_t is_down = counts_as_down(view) ? 1 : 0;
  ++target_count;
  ++racks[rack_number].target_count;
  down_count += is_down;
  racks[rack_number].down_count += is_down;
  const bool is_tried = target.touched || target.stage == Stage::healthy;
  tried_count += is_tried ? 1 : 0;
  in_flight_count += is_in_flight(target.stage) ? 1 : 0;
  failed_count += target.stage == Stage::failed ? 1 : 0;
  untried_count += view.is_present && target.stage == Stage::waiting ? 1 : 0;
  ready_count +=
      view.report != nullptr && std::find(view.report->ready.begin(), view.report->ready.end(),
                                          view.release.info_hash) != view.report->ready.end()
          ? 1
          : 0;
  const bool is_settled_back =
      target.stage == Stage::back_done || target.stage == Stage::back_failed;
  unreturned_count += view.is_present && target.touched && !is_settled_back ? 1 : 0;
  ENSURE(racks[rack_number].down_count <= down_count && down_count <= target_count);
}

bool has_room(const Tally& tally, const Plan& plan, const Agent& agent) {
  ENSURE(agent.rack_number < tally.racks.size());
  const RackTally& rack = tally.racks[agent.rack_number];
  // Hosts without a rack are in none together.
  const bool has_rack_room =
      agent.rack.empty() ||
      rack.down_count < unavailable_bound(plan.rack_max_unavailable, rack.target_count);
  return has_rack_room &&
         tally.down_count < unavailable_bound(plan.max_unavailable, tally.target_count);
}

bool has_failed(const Tally& tally, const Plan& plan) {
  return tally.failed_count >= failed_bound(plan, tally.target_count);
}

bool is_settled(const Tally& tally, const Plan& plan, uint32_t wave) {
  ENSURE(tally.tried_count <= tally.target_count);
  if (tally.in_flight_count > 0) {
    return false;
  }
  const uint32_t goal = wave_goal(plan, wave, tally.target_count);
  const uint32_t goal_before =
      wave == 0 ? std::min(1U, tally.target_count) : wave_goal(plan, wave - 1, tally.target_count);
  const bool is_last = wave + 1 == plan.waves.size();
  return (tally.tried_count >= goal && (!is_last || tally.untried_count == 0)) ||
         (is_last && tally.untried_count == 0 && tally.tried_count >= goal_before);
}

uint32_t wave_after(const Plan& plan, uint32_t wave, uint32_t target_count) {
  ENSURE(wave + 1 < plan.waves.size());
  const auto last = static_cast<uint32_t>(plan.waves.size() - 1);
  uint32_t next = wave + 1;
  while (next < last &&
         wave_goal(plan, next, target_count) <= wave_goal(plan, wave, target_count)) {
    ++next;
  }
  return next;
}

}  // namespace murder::control
