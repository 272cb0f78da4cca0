// A kernel on trial against OpenSSL's.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "families.h"

namespace shalanes {

// Whether it computes the algorithm here: an emulator or a hypervisor may have masked what it
// needs.
template <typename Algorithm>
bool is_right(const Kernel<Algorithm>& kernel) {
  constexpr size_t block_count = 3;
  constexpr size_t trial_bytes = block_count * Algorithm::block_bytes;
  std::array<uint8_t, trial_bytes * lanes_max> bytes;
  for (size_t index = 0; index < bytes.size(); ++index) {
    bytes[index] = static_cast<uint8_t>(index * 167 + (index >> 8U));
  }
  std::array<typename Algorithm::State, lanes_max> states;
  states.fill(Algorithm::initial_state);
  std::array<const uint8_t*, lanes_max> inputs;
  for (size_t lane = 0; lane < lanes_max; ++lane) {
    inputs[lane] = bytes.data() + lane * trial_bytes;
  }
  kernel.advance(states.data(), inputs.data(), block_count);
  for (size_t lane = 0; lane < kernel.lanes; ++lane) {
    typename Algorithm::State expected = Algorithm::initial_state;
    openssl_kernel<Algorithm>().advance(&expected, &inputs[lane], block_count);
    if (states[lane] != expected) {
      return false;
    }
  }
  return true;
}

}  // namespace shalanes
