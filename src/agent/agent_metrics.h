// The metrics of an agent as text. Pure.
#pragma once

#include <string>
#include <vector>

#include "agent/app_worker.h"
#include "engine/control/agent_app.h"

namespace murder::agent {

struct AgentMetrics {
  struct App {
    const control::KeptApp& kept;
    const AppCounters& counters;
    uint64_t health_failures = 0;
  };
  bool is_connected = false;
  uint64_t connections = 0;
  uint64_t reports = 0;
  uint64_t wanted = 0;
  std::vector<App> apps;
};

[[nodiscard]] std::string render_agent_metrics(const AgentMetrics& metrics);

}  // namespace murder::agent
