#include "engine/policy/receive_gathering.h"

#include <algorithm>
#include <bit>

namespace murder::policy {

uint32_t bytes_to_gather(double rate, uint64_t requested_bytes) {
  const double in_time = rate * std::chrono::duration<double>(gather_time).count();
  const double bytes = std::min(
      {in_time, static_cast<double>(requested_bytes) / 4, static_cast<double>(gathered_bytes_max)});
  return bytes < gathered_bytes_min ? 1 : std::bit_floor(static_cast<uint32_t>(bytes));
}

}  // namespace murder::policy
