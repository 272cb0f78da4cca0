// SHA-1 by the SHA extensions of x86, several streams interleaved. One stream waits six cycles for
// each group of four rounds, in which the unit could begin another: four streams fill it.
#include "kernels/sha1_kernels.h"

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>

#define SHALANES_SHA_NI __attribute__((target("sha,sse4.1,ssse3")))

namespace shalanes {
namespace {

// Four rounds of the function and constant that their number asks for.
template <int round_group>
SHALANES_SHA_NI inline __m128i four_rounds(__m128i abcd, __m128i e_and_words) {
  return _mm_sha1rnds4_epu32(abcd, e_and_words, round_group / 5);
}

struct Lane {
  __m128i abcd;
  __m128i e;         // in the highest word
  __m128i words[4];  // the last sixteen words of the message schedule
};

// Rounds 4 * group to 4 * group + 3 of one stream. `input` is the block.
template <int group>
SHALANES_SHA_NI inline __attribute__((always_inline)) void rounds(Lane& lane,
                                                                  const uint8_t* input) {
  const __m128i big_endian = _mm_set_epi64x(0x0001020304050607, 0x08090a0b0c0d0e0f);
  __m128i& now = lane.words[group % 4];
  if constexpr (group < 4) {
    const auto* source = reinterpret_cast<const __m128i*>(input) + group;
    now = _mm_shuffle_epi8(_mm_loadu_si128(source), big_endian);
  }
  const __m128i e_and_words =
      group == 0 ? _mm_add_epi32(lane.e, now) : _mm_sha1nexte_epu32(lane.e, now);
  lane.e = lane.abcd;
  // The schedule is a few groups ahead of the rounds.
  if constexpr (group >= 3 && group < 19) {
    lane.words[(group + 1) % 4] = _mm_sha1msg2_epu32(lane.words[(group + 1) % 4], now);
  }
  lane.abcd = four_rounds<group>(lane.abcd, e_and_words);
  if constexpr (group >= 1 && group < 17) {
    lane.words[(group + 3) % 4] = _mm_sha1msg1_epu32(lane.words[(group + 3) % 4], now);
  }
  if constexpr (group >= 2 && group < 18) {
    lane.words[(group + 2) % 4] = _mm_xor_si128(lane.words[(group + 2) % 4], now);
  }
}

template <int lane_count, int group = 0>
SHALANES_SHA_NI inline __attribute__((always_inline)) void block(Lane* lanes,
                                                                 const uint8_t* const* inputs,
                                                                 size_t offset) {
  if constexpr (group < 20) {
#pragma GCC unroll 4
    for (int index = 0; index < lane_count; ++index) {
      rounds<group>(lanes[index], inputs[index] + offset);
    }
    block<lane_count, group + 1>(lanes, inputs, offset);
  }
}

template <int lane_count>
SHALANES_SHA_NI void advance(Sha1State* states, const uint8_t* const* inputs, size_t block_count) {
  constexpr int reversed = 0x1B;  // the unit wants word 0 highest
  Lane lanes[lane_count];
  for (int index = 0; index < lane_count; ++index) {
    const auto* state = reinterpret_cast<const __m128i*>(states[index].data());
    lanes[index].abcd = _mm_shuffle_epi32(_mm_loadu_si128(state), reversed);
    lanes[index].e = _mm_set_epi32(static_cast<int>(states[index][4]), 0, 0, 0);
  }
  for (size_t number = 0; number < block_count; ++number) {
    __m128i abcd_before[lane_count];
    __m128i e_before[lane_count];
    for (int index = 0; index < lane_count; ++index) {
      abcd_before[index] = lanes[index].abcd;
      e_before[index] = lanes[index].e;
    }
    block<lane_count>(lanes, inputs, number * sha1_block_bytes);
    for (int index = 0; index < lane_count; ++index) {
      lanes[index].e = _mm_sha1nexte_epu32(lanes[index].e, e_before[index]);
      lanes[index].abcd = _mm_add_epi32(lanes[index].abcd, abcd_before[index]);
    }
  }
  for (int index = 0; index < lane_count; ++index) {
    auto* state = reinterpret_cast<__m128i*>(states[index].data());
    _mm_storeu_si128(state, _mm_shuffle_epi32(lanes[index].abcd, reversed));
    states[index][4] = static_cast<uint32_t>(_mm_extract_epi32(lanes[index].e, 3));
  }
}

// CPUID leaf 7: GCC 12 has no name for it.
bool cpu_has_sha_extensions() {
  unsigned a = 0;
  unsigned b = 0;
  unsigned c = 0;
  unsigned d = 0;
  return __get_cpuid_count(7, 0, &a, &b, &c, &d) != 0 && (b & (1U << 29U)) != 0;
}

constexpr Sha1Kernel kernels[] = {
    {"sha-ni", 4, advance<4>}, {"sha-ni", 2, advance<2>}, {"sha-ni", 1, advance<1>}};

}  // namespace

std::span<const Sha1Kernel> sha1_kernels_sha_ni() {
  const bool is_there = __builtin_cpu_supports("sse4.1") != 0 && cpu_has_sha_extensions();
  return is_there ? std::span<const Sha1Kernel>(kernels) : std::span<const Sha1Kernel>();
}

}  // namespace shalanes

#else

namespace shalanes {

std::span<const Sha1Kernel> sha1_kernels_sha_ni() {
  return {};
}

}  // namespace shalanes

#endif
