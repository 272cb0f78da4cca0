// What an agent is told, from the coordinator's records alone: a coordinator that starts again says
// the same. Pure.
#pragma once

#include <vector>

#include "engine/control/messages.h"
#include "engine/control/state.h"

namespace murder::control {

// An agent activates nothing that it was not told to activate just now (`activate`, which is true
// in the stages `told` and `back_told` only): where it was told, and its outcome is known, what it
// runs is its own to keep.
[[nodiscard]] std::vector<WantedApp> wanted_apps(const State& state, AgentIndex agent);

}  // namespace murder::control
