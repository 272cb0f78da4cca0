#include "engine/hash/xxh3.h"

#include <xxhash.h>

namespace murder::hash {

uint64_t xxh3_64(std::span<const uint8_t> bytes, uint64_t seed) {
  return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed);
}

}  // namespace murder::hash
