// The one clock of the program; pure layers are handed its instants (instant.h).
#pragma once

#include <time.h>

#include "engine/base/instant.h"

namespace murder {

// CLOCK_MONOTONIC.
[[nodiscard]] inline Instant monotonic_now() {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return Instant(std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec));
}

}  // namespace murder
