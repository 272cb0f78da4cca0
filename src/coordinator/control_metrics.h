// What a coordinator shows beside its tracker's metrics. docs/monitoring.md has the same list, with
// what each is for. Pure. Of apps at most limits::metrics_apps_max are named, those whose rollouts
// go on in front: labels are bounded.
#pragma once

#include <cstdint>
#include <string>

#include "coordinator/agent_links.h"
#include "coordinator/stage_times.h"
#include "engine/control/coordinator.h"

namespace murder::coordinator {

struct ControlMetrics {
  const control::Coordinator* machine = nullptr;  // nullptr: it does not lead
  uint64_t record_count = 0;                      // of its log
  uint64_t store_failures = 0;
  uint32_t link_count = 0;
  const AgentLinksCounters& links;
  const StageTimes& times;
};

[[nodiscard]] std::string render_control_metrics(const ControlMetrics& metrics, Instant now);

}  // namespace murder::coordinator
