// What the manual pages of the operators' commands have in common.
#pragma once

#include "cli/ui/command_text.h"

namespace murder::cli {

inline constexpr ManualItem coordinator_variable = {
    "MURDER_COORDINATOR",
    "The coordinators, with commas between them, where no --coordinator is given."};
inline constexpr ManualItem operator_key_file = {
    "/etc/murder/fleet.key",
    "The key file that is used at a closed coordinator, where no --operator-key is given."};

}  // namespace murder::cli
