// A bijection of 64 bits in which each bit of the input changes half of the output: the finaliser
// of MurmurHash3. With a secret seed it spreads what a stranger may choose over a table.
#pragma once

#include <cstdint>

namespace murder::tracker {

inline uint64_t mix_bits(uint64_t value) {
  value = (value ^ (value >> 33U)) * 0xFF51AFD7ED558CCDU;
  value = (value ^ (value >> 33U)) * 0xC4CEB9FE1A85EC53U;
  return value ^ (value >> 33U);
}

}  // namespace murder::tracker
