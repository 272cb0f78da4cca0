// What the kernels leave to their callers: the end of a message, and a state as a digest. The same
// for all algorithms whose words have 32 bits.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <span>

#include "require.h"

namespace shalanes {

// What follows the whole blocks of a message: its end, a one bit, zeros, its length in bits.
// FIPS 180-4, 5.1.1. One block or two.
template <typename Algorithm>
struct MessageEnd {
  static constexpr size_t block_bytes = Algorithm::block_bytes;

  std::array<uint8_t, 2 * block_bytes> bytes{};
  size_t block_count = 0;

  MessageEnd() = default;
  // `rest` is what lies behind the last whole block.
  MessageEnd(std::span<const uint8_t> rest, uint64_t message_bytes) {
    SHALANES_REQUIRE(rest.size() < block_bytes);
    if (!rest.empty()) {
      std::memcpy(bytes.data(), rest.data(), rest.size());
    }
    bytes[rest.size()] = 0x80;
    constexpr size_t length_bytes = 8;
    block_count = rest.size() + 1 + length_bytes <= block_bytes ? 1 : 2;
    uint64_t bits = message_bytes * 8;
    for (size_t index = 1; index <= length_bytes; ++index) {
      bytes[block_count * block_bytes - index] = static_cast<uint8_t>(bits);
      bits >>= 8U;
    }
  }
};

template <typename Algorithm>
[[nodiscard]] typename Algorithm::Digest digest_of(const typename Algorithm::State& state) {
  typename Algorithm::Digest digest{};
  static_assert(sizeof(digest) == sizeof(state));
  for (size_t index = 0; index < digest.size(); ++index) {
    digest[index] = static_cast<uint8_t>(state[index / 4] >> (24 - 8 * (index % 4)));
  }
  return digest;
}

}  // namespace shalanes
