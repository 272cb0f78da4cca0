// A token bucket: how much may pass now so that a rate is kept. Pure.
//
// Kept as a schedule: what passed so far is worth the time until `next_`, and may run ahead of the
// clock by `burst`. What passes at once may be more than was left; the debt is paid by waiting, so
// that over any time T at most rate * (T + burst) and one portion pass.
#pragma once

#include <algorithm>
#include <cstdint>

#include "engine/base/ensure.h"
#include "engine/base/instant.h"

namespace murder::policy {

class RateLimit {
 public:
  static constexpr Duration burst = std::chrono::milliseconds(20);

  // 0: no limit.
  explicit RateLimit(uint64_t bytes_per_second = 0) : bytes_per_second_(bytes_per_second) {}

  // What each of several gets of a limit they keep together: never none, which would be no limit.
  [[nodiscard]] static uint64_t share(uint64_t bytes_per_second, uint32_t count) {
    ENSURE(count > 0);
    return bytes_per_second == 0 ? 0 : std::max<uint64_t>(bytes_per_second / count, 1);
  }

  [[nodiscard]] bool is_set() const { return bytes_per_second_ != 0; }
  // From when on something may pass; at or before `now` is at once.
  [[nodiscard]] Instant passes_at() const { return is_set() ? next_ - burst : Instant{}; }
  // A sensible portion to take at a time: a quarter of the burst, at least `least_bytes`.
  [[nodiscard]] uint64_t portion_bytes(uint64_t least_bytes) const;
  // That many bytes passed.
  void take(uint64_t size_bytes, Instant now);

 private:
  uint64_t bytes_per_second_;
  Instant next_{};
  double rest_ns_ = 0;  // below a nanosecond, so that small portions add up
};

}  // namespace murder::policy
