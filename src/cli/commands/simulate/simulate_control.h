// murder simulate --control: the control plane in random trouble, seed by seed.
#pragma once

#include <cstdint>

#include "cli/ui/command.h"

namespace murder::cli {

// Seeds from `seed` on. Of the first that breaks a rule, how it came to it.
[[nodiscard]] Result<int> simulate_control(uint64_t seed, uint32_t count, CommandContext& context);

}  // namespace murder::cli
