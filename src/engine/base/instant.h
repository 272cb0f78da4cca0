// Time as a value. Nothing here reads a clock: the reactor (or the simulator) hands instants out.
#pragma once

#include <chrono>
#include <cstdint>

namespace murder {

using Duration = std::chrono::nanoseconds;

// The monotonic time line of one process (or one simulation). It has no now() on purpose.
struct MonotonicLine {
  using rep = int64_t;
  using period = std::nano;
  using duration = Duration;
  using time_point = std::chrono::time_point<MonotonicLine, Duration>;
  static constexpr bool is_steady = true;
};

using Instant = MonotonicLine::time_point;

inline constexpr Instant instant_never = Instant::max();

[[nodiscard]] constexpr double seconds_of(Duration duration) {
  return static_cast<double>(duration.count()) / 1e9;
}

}  // namespace murder
