// Randomness as an argument: xoshiro256** (Blackman and Vigna 2018), seeded through splitmix64.
// Not for secrets.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <utility>

namespace murder {

class Prng {
 public:
  explicit Prng(uint64_t seed) {
    for (uint64_t& word : state_) {
      seed += 0x9E3779B97F4A7C15U;
      uint64_t mixed = seed;
      mixed = (mixed ^ (mixed >> 30U)) * 0xBF58476D1CE4E5B9U;
      mixed = (mixed ^ (mixed >> 27U)) * 0x94D049BB133111EBU;
      word = mixed ^ (mixed >> 31U);
    }
  }

  uint64_t next() {
    const uint64_t result = rotate(state_[1] * 5, 7) * 9;
    const uint64_t shifted = state_[1] << 17U;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= shifted;
    state_[3] = rotate(state_[3], 45);
    return result;
  }

  // Uniform in [0, bound), bound >= 1. The bias of the multiplication is below 2^-32 for 32-bit
  // bounds.
  uint32_t below(uint32_t bound) { return static_cast<uint32_t>(((next() >> 32U) * bound) >> 32U); }

  // Uniform in [0, 1).
  double unit() { return static_cast<double>(next() >> 11U) * 0x1.0p-53; }

  template <typename T>
  void shuffle(std::span<T> items) {
    for (size_t count = items.size(); count > 1; --count) {
      std::swap(items[count - 1], items[below(static_cast<uint32_t>(count))]);
    }
  }

 private:
  static uint64_t rotate(uint64_t value, unsigned by) {
    return (value << by) | (value >> (64U - by));
  }

  std::array<uint64_t, 4> state_{};
};

}  // namespace murder
