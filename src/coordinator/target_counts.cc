#include "coordinator/target_counts.h"

#include <algorithm>
#include <string>

#include "engine/base/ensure.h"

namespace murder::coordinator {
namespace {

// A host that was not told yet, by what it reports.
uint32_t TargetCounts::*member_of_waiting(const control::Heard& heard, const std::string& app,
                                          const InfoHash& release) {
  for (const control::HeardApp& each : heard.apps) {
    if (each.report.app == app) {
      const auto& ready = each.report.ready;
      if (std::find(ready.begin(), ready.end(), release) != ready.end()) {
        return &TargetCounts::ready;
      }
      const bool is_fetching = each.report.phase == control::Phase::fetching ||
                               each.report.phase == control::Phase::verifying;
      return is_fetching ? &TargetCounts::fetching : &TargetCounts::waiting;
    }
  }
  return &TargetCounts::waiting;
}

uint32_t TargetCounts::*member_of(control::Stage stage) {
  switch (stage) {
    case control::Stage::waiting:
      return &TargetCounts::waiting;
    case control::Stage::told:
      return &TargetCounts::told;
    case control::Stage::healthy:
      return &TargetCounts::healthy;
    case control::Stage::failed:
      return &TargetCounts::failed;
    case control::Stage::back_told:
      return &TargetCounts::back_told;
    case control::Stage::back_done:
      return &TargetCounts::back_done;
    case control::Stage::back_failed:
      return &TargetCounts::back_failed;
  }
  return &TargetCounts::waiting;
}

}  // namespace

TargetCounts count_targets(const control::Coordinator& machine, const control::App& app,
                           Instant now) {
  ENSURE(app.rollout.has_value());
  const control::Release* release = control::find_release(app, app.rollout->release);
  ENSURE(release != nullptr);
  TargetCounts counts;
  for (const control::Target& target : app.rollout->targets) {
    const bool is_present = machine.is_present(target.agent, now);
    counts.away += is_present ? 0 : 1;
    ++(counts.*
       (target.stage == control::Stage::waiting && is_present
            ? member_of_waiting(machine.heard_of(target.agent), app.name, release->info_hash)
            : member_of(target.stage)));
  }
  return counts;
}

}  // namespace murder::coordinator
