// How long to wait before the next try: doubles from `first` to `most`, spread by up to half so
// that a fleet that lost something at the same moment does not come back at the same moment.
#pragma once

#include <algorithm>
#include <cstdint>

#include "engine/base/instant.h"
#include "engine/base/prng.h"

namespace murder::policy {

struct Backoff {
  Duration first;
  Duration most;

  // `failures` >= 1: how often it failed in a row. Within [wait / 2, wait] of the doubled wait.
  [[nodiscard]] Duration wait(uint32_t failures, Prng& prng) const {
    Duration wait = first;
    for (uint32_t step = 1; step < failures && wait < most; ++step) {
      wait *= 2;
    }
    wait = std::min(wait, most);
    const auto half = wait.count() / 2;
    return Duration(half + static_cast<int64_t>(prng.unit() * static_cast<double>(half)));
  }
};

}  // namespace murder::policy
