#pragma once

#include <chrono>

#include "engine/base/instant.h"

namespace murder::fleet {

[[nodiscard]] inline Instant monotonic_now() {
  return Instant(std::chrono::steady_clock::now().time_since_epoch());
}

}  // namespace murder::fleet
