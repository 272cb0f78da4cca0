// XXH3, a fast hash for what no one forges: our own files and tables.
#pragma once

#include <cstdint>
#include <span>

namespace murder::hash {

[[nodiscard]] uint64_t xxh3_64(std::span<const uint8_t> bytes, uint64_t seed = 0);

}  // namespace murder::hash
