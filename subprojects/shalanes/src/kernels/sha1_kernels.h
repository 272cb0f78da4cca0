// The SHA-1 kernels. They share nothing and allocate nothing. They are written from FIPS 180-4 and
// checked against OpenSSL on random inputs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "shalanes/shalanes.h"

namespace shalanes {

inline constexpr size_t sha1_block_bytes = Sha1::block_bytes;
using Sha1State = Sha1::State;
using Sha1Kernel = Kernel<Sha1>;

// Kernels of the same instructions for different numbers of lanes, most lanes first. What is named
// by a family runs on this CPU, or the family is empty.
[[nodiscard]] std::span<const Sha1Kernel> sha1_kernels_sha_ni();  // x86 SHA extensions: 4, 2, 1
[[nodiscard]] std::span<const Sha1Kernel> sha1_kernels_armv8();   // ARMv8's: 4, 2, 1
[[nodiscard]] std::span<const Sha1Kernel> sha1_kernels_avx2();    // 8
[[nodiscard]] std::span<const Sha1Kernel> sha1_kernels_avx512();  // 16

}  // namespace shalanes
