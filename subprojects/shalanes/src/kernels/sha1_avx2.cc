// SHA-1 of eight streams in the 32-bit lanes of AVX2.
#include "kernels/sha1_kernels.h"

#if defined(__x86_64__)
#include <immintrin.h>

#include <cstring>

// Templates have no target of their own: what follows is compiled for this CPU only, and all of it
// is in headers and names of its own, so that nothing shared is.
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2")
#endif
#include "kernels/sha1_transpose.h"
#include "kernels/sha1_wide.h"

namespace shalanes {

namespace {

using Vector = uint32_t __attribute__((vector_size(32)));

struct Load {
  __attribute__((always_inline)) static void block(const uint8_t* const* inputs, size_t offset,
                                                   Vector* words) {
    load_words_of_8(inputs, offset, reinterpret_cast<__m256i*>(words));
    load_words_of_8(inputs, offset + 32, reinterpret_cast<__m256i*>(words + 8));
  }
};

void advance(Sha1State* states, const uint8_t* const* inputs, size_t block_count) {
  Sha1Wide<Vector, Load> wide;
  wide.advance(states, inputs, block_count);
}

constexpr Sha1Kernel kernels[] = {{"avx2", 8, advance}};

}  // namespace
}  // namespace shalanes

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

namespace shalanes {

std::span<const Sha1Kernel> sha1_kernels_avx2() {
  const bool is_there = __builtin_cpu_supports("avx2") != 0;
  return is_there ? std::span<const Sha1Kernel>(kernels) : std::span<const Sha1Kernel>();
}

}  // namespace shalanes

#else

namespace shalanes {

std::span<const Sha1Kernel> sha1_kernels_avx2() {
  return {};
}

}  // namespace shalanes

#endif
