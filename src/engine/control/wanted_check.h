// What a message to an agent can say: revisions and attempts are numbers of records, and a greeting
// counts the starts of the coordinator.
#pragma once

#include "engine/control/messages.h"

namespace murder::control {

[[nodiscard]] bool is_possible(const Wanted& wanted);

}  // namespace murder::control
