// How many events took how long, in the fixed buckets of a Prometheus histogram.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "engine/base/instant.h"

namespace murder {

// A bucket holds what took at most its bound and more than the bound before it; one more bucket
// holds the rest. Never falls. One thread.
class LatencyHistogram {
 public:
  static constexpr std::array<Duration, 16> bounds = {
      std::chrono::microseconds(10),   std::chrono::microseconds(25),
      std::chrono::microseconds(50),   std::chrono::microseconds(100),
      std::chrono::microseconds(250),  std::chrono::microseconds(500),
      std::chrono::microseconds(1000), std::chrono::microseconds(2500),
      std::chrono::milliseconds(5),    std::chrono::milliseconds(10),
      std::chrono::milliseconds(25),   std::chrono::milliseconds(50),
      std::chrono::milliseconds(100),  std::chrono::milliseconds(250),
      std::chrono::milliseconds(500),  std::chrono::milliseconds(1000)};

  // `count` events that took this long each; a negative time counts as none.
  void record(Duration latency, uint64_t count = 1) {
    latency = std::max(latency, Duration::zero());
    size_t bucket = 0;
    while (bucket < bounds.size() && latency > bounds[bucket]) {
      ++bucket;
    }
    counts_[bucket] += count;
    sum_ns_ += static_cast<uint64_t>(latency.count()) * count;
  }

  // Of bucket number `bucket` alone; bounds.size(): beyond the last bound.
  [[nodiscard]] uint64_t bucket_count(size_t bucket) const { return counts_[bucket]; }
  [[nodiscard]] uint64_t count() const {
    uint64_t sum = 0;
    for (const uint64_t count : counts_) {
      sum += count;
    }
    return sum;
  }
  [[nodiscard]] double sum_seconds() const { return static_cast<double>(sum_ns_) / 1e9; }

 private:
  std::array<uint64_t, bounds.size() + 1> counts_{};
  uint64_t sum_ns_ = 0;
};

}  // namespace murder
