// SHA-1 of several inputs side by side: the kernels. Each advances some streams by the same number
// of blocks; they share nothing and allocate nothing. They are written from FIPS 180-4 and checked
// against OpenSSL on random inputs.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace murder::hash {

inline constexpr size_t sha1_block_bytes = 64;
inline constexpr uint32_t sha1_lanes_max = 16;

using Sha1State = std::array<uint32_t, 5>;  // h0 to h4 of FIPS 180-4

inline constexpr Sha1State sha1_initial_state = {0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476,
                                                 0xC3D2E1F0};

struct Sha1Kernel {
  std::string_view name;
  uint32_t lanes;  // how many streams it takes at once, always all of them
  // Advances states[i] by `block_count` blocks from inputs[i], i below lanes.
  void (*advance)(Sha1State* states, const uint8_t* const* inputs, size_t block_count);
};

// Kernels of the same instructions for different numbers of streams, most lanes first. What is
// named by a family runs on this CPU, or the family is empty.
[[nodiscard]] std::span<const Sha1Kernel> sha1_kernels_sha_ni();  // x86 SHA extensions: 4, 2, 1
[[nodiscard]] std::span<const Sha1Kernel> sha1_kernels_armv8();   // ARMv8's: 4, 2, 1
[[nodiscard]] std::span<const Sha1Kernel> sha1_kernels_avx2();    // 8
[[nodiscard]] std::span<const Sha1Kernel> sha1_kernels_avx512();  // 16

}  // namespace murder::hash
