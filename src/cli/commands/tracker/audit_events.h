// A coordinator's records as events of the journal.
#pragma once

#include <optional>

#include "engine/control/record.h"
#include "engine/control/state.h"
#include "engine/host/service/service_event.h"

namespace murder::cli {

// Nothing: the record alone is not worth an entry (a host that was told, or is healthy). `state`
// has the record applied.
[[nodiscard]] std::optional<host::ServiceEvent> audit_event_of(const control::State& state,
                                                               const control::Record& record);

}  // namespace murder::cli
