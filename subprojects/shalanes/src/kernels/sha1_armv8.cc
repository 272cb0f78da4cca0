// SHA-1 by the crypto instructions of ARMv8, several streams interleaved: SHA1C waits some cycles
// for the one before it, in which the unit takes those of other streams.
#include "kernels/sha1_kernels.h"

#if defined(__aarch64__)
#include <arm_neon.h>
#include <asm/hwcap.h>
#include <sys/auxv.h>

#if defined(__clang__)
#define SHALANES_ARMV8_SHA __attribute__((target("sha2")))
#else
#define SHALANES_ARMV8_SHA __attribute__((target("+crypto")))
#endif

namespace shalanes {
namespace {

struct Lane {
  uint32x4_t abcd;
  uint32_t e;
  uint32x4_t words[4];  // the last sixteen words of the message schedule
};

constexpr uint32_t constants[] = {0x5A827999, 0x6ED9EBA1, 0x8F1BBCDC, 0xCA62C1D6};

// Rounds 4 * group to 4 * group + 3 of one stream. `input` is the block.
template <int group>
SHALANES_ARMV8_SHA inline __attribute__((always_inline)) void rounds(Lane& lane,
                                                                     const uint8_t* input) {
  uint32x4_t& now = lane.words[group % 4];
  if constexpr (group < 4) {
    now = vreinterpretq_u32_u8(vrev32q_u8(vld1q_u8(input + 16 * group)));
  } else {
    now =
        vsha1su1q_u32(vsha1su0q_u32(now, lane.words[(group + 1) % 4], lane.words[(group + 2) % 4]),
                      lane.words[(group + 3) % 4]);
  }
  constexpr int phase = group / 5;
  const uint32x4_t words = vaddq_u32(now, vdupq_n_u32(constants[phase]));
  const uint32_t e_next = vsha1h_u32(vgetq_lane_u32(lane.abcd, 0));
  if constexpr (phase == 0) {
    lane.abcd = vsha1cq_u32(lane.abcd, lane.e, words);
  } else if constexpr (phase == 2) {
    lane.abcd = vsha1mq_u32(lane.abcd, lane.e, words);
  } else {
    lane.abcd = vsha1pq_u32(lane.abcd, lane.e, words);
  }
  lane.e = e_next;
}

template <int lane_count, int group = 0>
SHALANES_ARMV8_SHA inline __attribute__((always_inline)) void block(Lane* lanes,
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
SHALANES_ARMV8_SHA void advance(Sha1State* states, const uint8_t* const* inputs,
                                size_t block_count) {
  Lane lanes[lane_count];
  for (int index = 0; index < lane_count; ++index) {
    lanes[index].abcd = vld1q_u32(states[index].data());
    lanes[index].e = states[index][4];
  }
  for (size_t number = 0; number < block_count; ++number) {
    uint32x4_t abcd_before[lane_count];
    uint32_t e_before[lane_count];
    for (int index = 0; index < lane_count; ++index) {
      abcd_before[index] = lanes[index].abcd;
      e_before[index] = lanes[index].e;
    }
    block<lane_count>(lanes, inputs, number * sha1_block_bytes);
    for (int index = 0; index < lane_count; ++index) {
      lanes[index].abcd = vaddq_u32(lanes[index].abcd, abcd_before[index]);
      lanes[index].e += e_before[index];
    }
  }
  for (int index = 0; index < lane_count; ++index) {
    vst1q_u32(states[index].data(), lanes[index].abcd);
    states[index][4] = lanes[index].e;
  }
}

constexpr Sha1Kernel kernels[] = {
    {"armv8", 4, advance<4>}, {"armv8", 2, advance<2>}, {"armv8", 1, advance<1>}};

}  // namespace

std::span<const Sha1Kernel> sha1_kernels_armv8() {
  const bool is_there = (getauxval(AT_HWCAP) & HWCAP_SHA1) != 0;
  return is_there ? std::span<const Sha1Kernel>(kernels) : std::span<const Sha1Kernel>();
}

}  // namespace shalanes

#else

namespace shalanes {

std::span<const Sha1Kernel> sha1_kernels_armv8() {
  return {};
}

}  // namespace shalanes

#endif
