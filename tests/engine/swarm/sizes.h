// Sizes in words, for tests.
#pragma once

#include <cstdint>

namespace murder::test {

inline constexpr uint32_t KiB = 1024;

}  // namespace murder::test
