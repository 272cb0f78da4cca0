// How fast a release spreads, and for how long it has. Pure.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "engine/base/instant.h"

namespace murder::tracker {

// Fed with each announce of a swarm. Remembers some samples, a second or more apart, so that a rate
// is that of the last pace_window.
class SwarmPace {
 public:
  // What all peers together have fetched since the swarm is known, and how many still fetch.
  void note(uint64_t delivered_bytes, uint32_t leecher_count, Instant now);

  // While nobody fetches it is the time that the last round took; nothing before the first.
  [[nodiscard]] std::optional<Duration> elapsed(Instant now) const;
  // Bytes a second; 0 while nobody fetches.
  [[nodiscard]] uint64_t rate(Instant now) const;
  // For that much that is left to fetch; nothing when it cannot be known.
  [[nodiscard]] std::optional<Duration> remaining(uint64_t left_bytes, Instant now) const;

 private:
  struct Sample {
    Instant when;
    uint64_t delivered_bytes = 0;
  };
  static constexpr uint32_t sample_count = 12;

  [[nodiscard]] const Sample* oldest_within(Instant from) const;

  std::array<Sample, sample_count> samples_{};
  uint32_t taken_count_ = 0;  // since the round began; the last sample_count are remembered
  bool is_running_ = false;
  bool has_begun_ = false;
  Instant began_at_;
  Instant ended_at_;
  Sample last_;
};

}  // namespace murder::tracker
