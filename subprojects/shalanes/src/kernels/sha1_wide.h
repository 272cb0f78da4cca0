// SHA-1 with one stream per 32-bit lane of a vector register, for any width. A kernel file gives
// the loads and says for which CPU it is compiled.
#pragma once

#include <cstring>

#include "kernels/sha1_kernels.h"

namespace shalanes {

// `Vector` is a GCC vector of uint32_t; `Load::block(inputs, offset, words)` fills words[t] with
// word t of each stream's block, in the host's byte order.
template <typename Vector, typename Load>
struct Sha1Wide {
  static constexpr size_t lanes = sizeof(Vector) / sizeof(uint32_t);
  // So many streams are more than the CPU follows by itself.
  static constexpr size_t prefetch_bytes = 512;

  Vector a, b, c, d, e;
  Vector words[16];

  static inline __attribute__((always_inline)) void rotate_left(Vector& x, int count) {
    x = (x << count) | (x >> (32 - count));
  }

  // FIPS 180-4, 6.1.2, with the schedule in a ring of sixteen words.
  template <int t>
  inline __attribute__((always_inline)) void round() {
    Vector& word = words[t % 16];
    if constexpr (t >= 16) {
      word ^= words[(t + 13) % 16] ^ words[(t + 8) % 16] ^ words[(t + 2) % 16];
      rotate_left(word, 1);
    }
    Vector sum = a;
    rotate_left(sum, 5);
    if constexpr (t < 20) {
      sum += (d ^ (b & (c ^ d))) + 0x5A827999U;
    } else if constexpr (t < 40) {
      sum += (b ^ c ^ d) + 0x6ED9EBA1U;
    } else if constexpr (t < 60) {
      sum += ((b & c) | (d & (b | c))) + 0x8F1BBCDCU;
    } else {
      sum += (b ^ c ^ d) + 0xCA62C1D6U;
    }
    sum += e + word;
    e = d;
    d = c;
    c = b;
    rotate_left(c, 30);
    b = a;
    a = sum;
  }

  template <int t = 0>
  inline __attribute__((always_inline)) void all_rounds() {
    if constexpr (t < 80) {
      round<t>();
      all_rounds<t + 1>();
    }
  }

  inline __attribute__((always_inline)) void advance(Sha1State* states,
                                                     const uint8_t* const* inputs,
                                                     size_t block_count) {
    uint32_t rows[5][lanes];
    for (size_t lane = 0; lane < lanes; ++lane) {
      for (size_t row = 0; row < 5; ++row) {
        rows[row][lane] = states[lane][row];
      }
    }
    std::memcpy(&a, rows[0], sizeof(a));
    std::memcpy(&b, rows[1], sizeof(b));
    std::memcpy(&c, rows[2], sizeof(c));
    std::memcpy(&d, rows[3], sizeof(d));
    std::memcpy(&e, rows[4], sizeof(e));
    for (size_t block = 0; block < block_count; ++block) {
      Load::block(inputs, block * sha1_block_bytes, words);
      for (size_t lane = 0; lane < lanes; ++lane) {
        __builtin_prefetch(inputs[lane] + block * sha1_block_bytes + prefetch_bytes);
      }
      const Vector before[5] = {a, b, c, d, e};
      all_rounds();
      a += before[0];
      b += before[1];
      c += before[2];
      d += before[3];
      e += before[4];
    }
    std::memcpy(rows[0], &a, sizeof(a));
    std::memcpy(rows[1], &b, sizeof(b));
    std::memcpy(rows[2], &c, sizeof(c));
    std::memcpy(rows[3], &d, sizeof(d));
    std::memcpy(rows[4], &e, sizeof(e));
    for (size_t lane = 0; lane < lanes; ++lane) {
      for (size_t row = 0; row < 5; ++row) {
        states[lane][row] = rows[row][lane];
      }
    }
  }
};

}  // namespace shalanes
