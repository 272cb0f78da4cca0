// More slots than the usual ones, where the link has room for them: other ends are slow, a narrow
// way lies between, or this link is much faster than theirs.
//
// Told at the end of each window in which the link was measured. A slot is added while the link is
// used for less than 60 % although every slot was taken all the time, and given back when it is
// nearly full. A seeder does not know what its link can do before it tries: it adds one when all
// are taken, keeps it if the rate grows with it, and tries again some windows later if not. Pure;
// nothing allocates.
#pragma once

#include <algorithm>
#include <cstdint>

#include "engine/base/ensure.h"
#include "engine/policy/link_estimate.h"

namespace murder::policy {

class ExtraSlots {
 public:
  // At most `count_max` slots in all; `tries`: a seeder.
  ExtraSlots(uint32_t count_max, bool tries) : count_max_(count_max), tries_(tries) {}

  [[nodiscard]] uint32_t count() const { return count_; }
  // With the usual ones, never more than a link is given for any reason.
  [[nodiscard]] uint32_t slots_in_all(uint32_t usual) const {
    return std::min(usual + count_, LinkEstimate::slots_max);
  }

  struct Window {
    double rate = 0;       // bytes a second, of this direction
    double link_rate = 0;  // what the link was seen to do
    uint32_t slots = 0;    // the usual ones
    bool all_taken = false;
  };
  void window_ended(const Window& window) {
    const uint32_t room = count_max_ - std::min(count_max_, window.slots);
    if (tries_) {
      try_more(window, room);
    } else if (window.all_taken && window.rate < low_share * window.link_rate) {
      ++count_;
    } else if (window.rate > high_share * window.link_rate && count_ > 0) {
      --count_;
    }
    count_ = std::min(count_, room);
  }

 private:
  static constexpr double low_share = 0.6;
  static constexpr double high_share = 0.85;
  static constexpr double gain_share = 0.4;  // of what a slot should bring
  static constexpr uint32_t pause_windows = 16;

  void try_more(const Window& window, uint32_t room) {
    const double slots = window.slots + count_;
    if (trying_) {
      ENSURE(count_ > 0 && slots > 1);
      trying_ = false;
      if (window.rate < rate_before_ * (1 + gain_share / (slots - 1))) {
        --count_;
        pause_ = pause_windows;
        return;
      }
    }
    if (pause_ > 0) {
      --pause_;
    } else if (window.all_taken && count_ < room) {
      rate_before_ = window.rate;
      trying_ = true;
      ++count_;
    }
  }

  uint32_t count_ = 0;
  uint32_t count_max_;
  bool tries_;
  bool trying_ = false;
  uint32_t pause_ = 0;
  double rate_before_ = 0;
};

}  // namespace murder::policy
