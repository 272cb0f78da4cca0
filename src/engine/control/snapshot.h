// A state as a log that is as short as can be: one record that says how many follow, and those. The
// log of a coordinator may begin with it in place of all records up to then.
#pragma once

#include <string>
#include <vector>

#include "engine/control/record.h"
#include "engine/control/state.h"

namespace murder::control {

// replay() of these gives the state again, but for what is volatile.
[[nodiscard]] std::vector<Record> snapshot_of(const State& state);

// The snapshot's lines: equal for states that will decide the same.
[[nodiscard]] std::string text_of(const State& state);

}  // namespace murder::control
