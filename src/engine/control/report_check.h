// Whether a report keeps the bounds: agents are hosts of the fleet, and one of them may lie.
#pragma once

#include "engine/base/result.h"
#include "engine/control/messages.h"

namespace murder::control {

[[nodiscard]] Status check_report(const Report& report);

}  // namespace murder::control
