// Counts the grants that were not answered lately, and forgets one every ten seconds. When there
// are too many, newcomers are not trusted with slots.
#pragma once

#include <algorithm>
#include <cstdint>

#include "engine/base/instant.h"

namespace murder::policy {

class UnansweredGrants {
 public:
  void record(Instant now) {
    forget(now);
    count_ = std::min(count_ + 1, remembered_max);
  }
  // Beyond this number hosts that answer none could hold every slot.
  [[nodiscard]] bool exceeds(uint32_t slot_count) const { return count_ > slot_count; }
  void forget(Instant now) {
    const auto due =
        static_cast<uint64_t>(std::max((now - forgot_at_) / forgets_after, int64_t{0}));
    if (due > 0) {
      count_ -= static_cast<uint32_t>(std::min<uint64_t>(due, count_));
      forgot_at_ = now;
    }
  }

 private:
  static constexpr uint32_t remembered_max = 30;
  static constexpr Duration forgets_after = std::chrono::seconds(10);

  uint32_t count_ = 0;
  Instant forgot_at_{};
};

}  // namespace murder::policy
