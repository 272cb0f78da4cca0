// The name of a swarm.
#pragma once

#include "engine/base/types.h"
#include "engine/hash/sha1.h"

namespace murder::hash {

// BEP 3: the SHA-1 of the info dictionary's own bytes (codec::Metainfo::raw_info).
[[nodiscard]] inline InfoHash info_hash_of(std::span<const uint8_t> raw_info) {
  return InfoHash{sha1(raw_info).bytes};
}

}  // namespace murder::hash
