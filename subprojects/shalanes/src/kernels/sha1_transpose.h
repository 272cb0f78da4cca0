// Eight rows of eight big-endian words become eight columns: how the wide kernels load their
// blocks.
#pragma once

#if defined(__x86_64__)
#include <immintrin.h>

#include <cstddef>
#include <cstdint>

namespace shalanes {

// words[t] gets word t of the 32 bytes at inputs[i] + offset in its lane i.
__attribute__((always_inline)) inline void load_words_of_8(const uint8_t* const* inputs,
                                                           size_t offset, __m256i* words) {
  const __m256i big_endian =
      _mm256_setr_epi8(3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12,  //
                       3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12);
  __m256i rows[8];
  for (int lane = 0; lane < 8; ++lane) {
    const auto* source = reinterpret_cast<const __m256i*>(inputs[lane] + offset);
    rows[lane] = _mm256_shuffle_epi8(_mm256_loadu_si256(source), big_endian);
  }
  __m256i pairs[8];
  for (int lane = 0; lane < 8; lane += 2) {
    pairs[lane] = _mm256_unpacklo_epi32(rows[lane], rows[lane + 1]);
    pairs[lane + 1] = _mm256_unpackhi_epi32(rows[lane], rows[lane + 1]);
  }
  __m256i fours[8];
  for (int lane = 0; lane < 8; lane += 4) {
    fours[lane] = _mm256_unpacklo_epi64(pairs[lane], pairs[lane + 2]);
    fours[lane + 1] = _mm256_unpackhi_epi64(pairs[lane], pairs[lane + 2]);
    fours[lane + 2] = _mm256_unpacklo_epi64(pairs[lane + 1], pairs[lane + 3]);
    fours[lane + 3] = _mm256_unpackhi_epi64(pairs[lane + 1], pairs[lane + 3]);
  }
  for (int word = 0; word < 4; ++word) {
    words[word] = _mm256_permute2x128_si256(fours[word], fours[word + 4], 0x20);
    words[word + 4] = _mm256_permute2x128_si256(fours[word], fours[word + 4], 0x31);
  }
}

}  // namespace shalanes

#endif
