// What the kernels leave to their callers: the end of a message, and a state as a digest.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <span>

#include "engine/base/ensure.h"
#include "engine/base/types.h"
#include "engine/hash/kernels/sha1_kernel.h"

namespace murder::hash {

// What follows the whole blocks of a message: its end, a one bit, zeros, its length in bits.
// FIPS 180-4, 5.1.1. One block or two.
struct MessageEnd {
  std::array<uint8_t, 2 * sha1_block_bytes> bytes;
  size_t block_count;

  // `rest` is what lies behind the last whole block.
  MessageEnd(std::span<const uint8_t> rest, uint64_t message_bytes) : bytes() {
    ENSURE(rest.size() < sha1_block_bytes);
    if (!rest.empty()) {
      std::memcpy(bytes.data(), rest.data(), rest.size());
    }
    bytes[rest.size()] = 0x80;
    constexpr size_t length_bytes = 8;
    block_count = rest.size() + 1 + length_bytes <= sha1_block_bytes ? 1 : 2;
    uint64_t bits = message_bytes * 8;
    for (size_t index = 1; index <= length_bytes; ++index) {
      bytes[block_count * sha1_block_bytes - index] = static_cast<uint8_t>(bits);
      bits >>= 8U;
    }
  }
};

[[nodiscard]] inline Sha1Digest digest_of(const Sha1State& state) {
  Sha1Digest digest;
  for (size_t index = 0; index < state.size(); ++index) {
    for (size_t byte = 0; byte < 4; ++byte) {
      digest.bytes[4 * index + byte] = static_cast<uint8_t>(state[index] >> (24 - 8 * byte));
    }
  }
  return digest;
}

}  // namespace murder::hash
