// Runs the control plane in a simulation, and says what came of it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/sim/control/options.h"

namespace murder::control_sim {

struct Outcome {
  std::string fault;  // empty: all that must hold held
  uint64_t event_count = 0;
  uint64_t record_count = 0;
  uint64_t rollout_count = 0;
  uint64_t activation_count = 0;
  uint64_t restart_count = 0;        // of the coordinator
  std::string standing;              // of rollouts and hosts at the end: "a0 done h0:healthy ..."
  std::vector<std::string> history;  // if it was asked for: a line for each thing that happened
};

// The same options give the same outcome.
[[nodiscard]] Outcome run(const Options& options, bool keeps_history);

}  // namespace murder::control_sim
