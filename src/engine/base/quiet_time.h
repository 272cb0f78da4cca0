// For how long nothing has happened, of the time in which this process could have seen it. Pure.
#pragma once

#include <algorithm>

#include "engine/base/instant.h"

namespace murder {

// Fed by looks that come every `look_interval` or so. A process that was stopped for a while (by a
// signal, a frozen control group, a machine that was paused) looks late: of that time no more than
// two intervals count.
class QuietTime {
 public:
  explicit QuietTime(Duration look_interval) : look_interval_(look_interval) {}

  void begin(Instant now) {
    looked_at_ = now;
    lasted_ = Duration::zero();
  }
  // `has_happened`: something has, since the look before.
  void look(bool has_happened, Instant now) {
    const Duration passed = std::min(now - looked_at_, 2 * look_interval_);
    looked_at_ = now;
    lasted_ = has_happened ? Duration::zero() : lasted_ + passed;
  }
  [[nodiscard]] Duration lasted() const { return lasted_; }

 private:
  Duration look_interval_;
  Instant looked_at_{};
  Duration lasted_{};
};

}  // namespace murder
