// How much a stock client is asked for at a time. What is asked ahead waits in line at the uploader
// while others could deliver it, so the window is what is under way and little more. Pure.
#pragma once

#include <algorithm>
#include <cstdint>

#include "engine/base/bounds.h"
#include "engine/base/ensure.h"
#include "engine/base/instant.h"

namespace murder::policy {

struct RequestWindow {
  uint32_t grain_bytes = 0;       // what it grows and shrinks by: a block of about 128 KiB
  uint32_t adapted_bytes = 0;     // what it has come to; 0 at first
  uint64_t release_bytes = 0;     // a small release is shared out in small windows
  double download_rate = 0;       // bytes a second, of this session
  bool serves_in_slices = false;  // as Transmission does: twice a second, whatever the latency
};

[[nodiscard]] inline uint32_t window_bytes(const RequestWindow& window, uint32_t bytes_max) {
  constexpr uint32_t bytes_min = 32 * 1024;
  constexpr uint64_t start_max = 256 * 1024;
  const auto share = static_cast<uint32_t>(std::min(window.release_bytes / 16, start_max));
  const uint32_t least = std::max({bytes_min, share, 2 * window.grain_bytes});
  uint32_t bytes = window.adapted_bytes;
  if (window.serves_in_slices) {
    bytes =
        std::max(bytes, static_cast<uint32_t>(std::min<double>(window.download_rate, bytes_max)));
  }
  return std::clamp(bytes, least, std::max(least, bytes_max));
}

// It grows while answers come about as soon as the quickest did, and shrinks while they take
// longer. `before`: window_bytes(), which is a grain at least.
[[nodiscard]] inline uint32_t adapted_window(uint32_t before, uint32_t grain_bytes,
                                             Duration answered_after, Duration quickest) {
  // An answer may take twice as long as the quickest one did, and this.
  constexpr Duration margin = std::chrono::milliseconds(2);
  constexpr Duration quickest_max = std::chrono::milliseconds(100);
  ENSURE(before >= grain_bytes);
  const Duration target = 2 * std::min(quickest, quickest_max) + margin;
  return answered_after < target ? before + grain_bytes : before - grain_bytes / 2;
}

}  // namespace murder::policy
