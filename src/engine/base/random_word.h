// Randomness of the kernel, as a seed for a Prng or for a name that nobody guesses.
#pragma once

#include <cstdint>

#include "engine/base/result.h"

namespace murder {

// Errors: early boot without entropy, a filter that forbids getrandom(2).
[[nodiscard]] Result<uint64_t> random_word();

}  // namespace murder
