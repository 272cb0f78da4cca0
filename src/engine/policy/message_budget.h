// How many small messages a link may send that bring nothing: each costs a little of a core, and
// nothing else bounds them. A token bucket that also what is of use fills, so that a fast link that
// exchanges much may say more. Pure.
#pragma once

#include <algorithm>
#include <cstdint>

#include "engine/base/ensure.h"
#include "engine/base/instant.h"

namespace murder::policy {

class MessageBudget {
 public:
  struct Limits {
    uint32_t at_once = 0;
    uint32_t per_second = 0;
    uint32_t bytes_free = 0;  // what carries more counts as several
  };

  MessageBudget(const Limits& limits, Instant now)
      : limits_(limits), left_(limits.at_once), filled_at_(now) {
    ENSURE(limits.bytes_free > 0);
  }

  // A message came. False: it is beyond what the link may send.
  [[nodiscard]] bool take(uint64_t payload_bytes, Instant now) {
    const int64_t cost = 1 + static_cast<int64_t>(payload_bytes / limits_.bytes_free);
    if (left_ < cost) {
      fill(now);
    }
    left_ -= cost;
    return left_ >= 0;
  }
  // Something of use came, or was asked for and sent.
  void earn() { left_ = std::min<int64_t>(left_ + earned, limits_.at_once); }

 private:
  static constexpr int64_t earned = 8;

  void fill(Instant now) {
    const int64_t due = (now - filled_at_).count() / 1'000'000 * limits_.per_second / 1000;
    if (due > 0) {
      left_ = std::min<int64_t>(left_ + due, limits_.at_once);
      filled_at_ = now;
    }
  }

  Limits limits_;
  int64_t left_;
  Instant filled_at_;
};

}  // namespace murder::policy
