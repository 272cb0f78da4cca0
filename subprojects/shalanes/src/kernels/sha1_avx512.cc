// SHA-1 of sixteen streams in the 32-bit lanes of AVX-512. Its rotation and three-way logic are
// single instructions, which the compiler finds by itself.
#include "kernels/sha1_kernels.h"

#if defined(__x86_64__)
#include <immintrin.h>

#include <cstring>

// Templates have no target of their own: what follows is compiled for this CPU only, and all of it
// is in headers and names of its own, so that nothing shared is.
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx2"))), \
                             apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512vl,avx512dq,avx2")
#endif
#include "kernels/sha1_transpose.h"
#include "kernels/sha1_wide.h"

namespace shalanes {

namespace {

using Half = uint32_t __attribute__((vector_size(32)));
using Vector = uint32_t __attribute__((vector_size(64)));

struct Load {
  __attribute__((always_inline)) static void block(const uint8_t* const* inputs, size_t offset,
                                                   Vector* words) {
    __m256i low[16];
    __m256i high[16];
    for (size_t half = 0; half < 2; ++half) {
      load_words_of_8(inputs, offset + 32 * half, low + 8 * half);
      load_words_of_8(inputs + 8, offset + 32 * half, high + 8 * half);
    }
    for (int word = 0; word < 16; ++word) {
      words[word] = __builtin_shufflevector(reinterpret_cast<Half>(low[word]),
                                            reinterpret_cast<Half>(high[word]), 0, 1, 2, 3, 4, 5, 6,
                                            7, 8, 9, 10, 11, 12, 13, 14, 15);
    }
  }
};

void advance(Sha1State* states, const uint8_t* const* inputs, size_t block_count) {
  Sha1Wide<Vector, Load> wide;
  wide.advance(states, inputs, block_count);
}

constexpr Sha1Kernel kernels[] = {{"avx512", 16, advance}};

}  // namespace
}  // namespace shalanes

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

namespace shalanes {

std::span<const Sha1Kernel> sha1_kernels_avx512() {
  const bool is_there =
      __builtin_cpu_supports("avx512f") != 0 && __builtin_cpu_supports("avx512bw") != 0 &&
      __builtin_cpu_supports("avx512vl") != 0 && __builtin_cpu_supports("avx512dq") != 0;
  return is_there ? std::span<const Sha1Kernel>(kernels) : std::span<const Sha1Kernel>();
}

}  // namespace shalanes

#else

namespace shalanes {

std::span<const Sha1Kernel> sha1_kernels_avx512() {
  return {};
}

}  // namespace shalanes

#endif
