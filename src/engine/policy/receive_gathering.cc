#include "engine/policy/receive_gathering.h"

#include <algorithm>
#include <bit>

namespace murder::policy {

namespace {

// A quarter of the window: half of the buffer is for what the kernel keeps beside the bytes.
constexpr uint64_t buffer_divisor = 8;

uint32_t rounded(uint64_t bytes) {
  return bytes < gathered_bytes_min ? 1 : std::bit_floor(static_cast<uint32_t>(bytes));
}

}  // namespace

uint32_t bytes_to_gather(double rate, uint64_t requested_bytes) {
  const double in_time = rate * std::chrono::duration<double>(gather_time).count();
  const double bytes = std::min(
      {in_time, static_cast<double>(requested_bytes) / 4, static_cast<double>(gathered_bytes_max)});
  return rounded(static_cast<uint64_t>(bytes));
}

uint32_t gathered_in_buffer(uint32_t bytes, uint64_t buffer_bytes) {
  return rounded(std::min<uint64_t>(bytes, buffer_bytes / buffer_divisor));
}

}  // namespace murder::policy
