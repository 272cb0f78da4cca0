// The time of a simulation. Every host is ahead of it, within the window that is under way.
#pragma once

#include <cstdint>

#include "engine/base/instant.h"

namespace murder::sim {

// When the first host that fetches starts; the seeder is there before.
inline constexpr Instant run_start{std::chrono::seconds(1000)};

struct Clock {
  Instant now = run_start;      // the window's begin
  Instant horizon = run_start;  // its end
  uint32_t window = 0;          // its number
};

}  // namespace murder::sim
