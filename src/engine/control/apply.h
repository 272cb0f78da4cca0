// What a record does to a state: the one place where a coordinator's state changes.
#pragma once

#include <span>
#include <string>

#include "engine/base/instant.h"
#include "engine/base/result.h"
#include "engine/control/record.h"
#include "engine/control/state.h"

namespace murder::control {

// `now` is for what is volatile. Errors, with the state as it was: a record that does not fit, as
// one of a damaged log may not.
[[nodiscard]] Status apply(State& state, const Record& record, Instant now);

// The state of a log: a snapshot and what follows it, or records from the first on. Errors name the
// record. A log whose snapshot is not whole is refused.
[[nodiscard]] Result<State> replay(std::span<const Record> records, Instant now);

}  // namespace murder::control
