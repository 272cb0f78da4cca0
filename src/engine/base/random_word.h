// Randomness of the kernel: a seed for a Prng, a name that nobody guesses, a key.
#pragma once

#include <cstdint>
#include <span>

#include "engine/base/result.h"

namespace murder {

// Errors: early boot without entropy, a filter that forbids getrandom(2).
[[nodiscard]] Result<uint64_t> random_word();
// At most 256 bytes, which a kernel that has randomness gives whole.
[[nodiscard]] Status fill_random(std::span<uint8_t> bytes);

}  // namespace murder
