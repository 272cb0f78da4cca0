#include "tracker/swarm_pace.h"

#include <algorithm>

#include "tracker/bounds.h"

namespace murder::tracker {

namespace {

constexpr Duration sample_distance = std::chrono::seconds(1);

}  // namespace

void SwarmPace::note(uint64_t delivered_bytes, uint32_t leecher_count, Instant now) {
  const bool is_running = leecher_count > 0;
  if (is_running && !is_running_) {
    has_begun_ = true;
    began_at_ = now;
    taken_count_ = 0;
  }
  if (!is_running && is_running_) {
    ended_at_ = now;
  }
  is_running_ = is_running;
  last_ = {.when = now, .delivered_bytes = delivered_bytes};
  const bool is_due = taken_count_ == 0 ||
                      now - samples_[(taken_count_ - 1) % sample_count].when >= sample_distance;
  if (is_running && is_due) {
    samples_[taken_count_++ % sample_count] = last_;
  }
}

std::optional<Duration> SwarmPace::elapsed(Instant now) const {
  if (!has_begun_) {
    return std::nullopt;
  }
  return (is_running_ ? now : ended_at_) - began_at_;
}

const SwarmPace::Sample* SwarmPace::oldest_within(Instant from) const {
  const Sample* oldest = nullptr;
  for (uint32_t index = 0; index < std::min(taken_count_, sample_count); ++index) {
    const Sample& sample = samples_[index];
    if (sample.when >= from && (oldest == nullptr || sample.when < oldest->when)) {
      oldest = &sample;
    }
  }
  return oldest;
}

uint64_t SwarmPace::rate(Instant now) const {
  if (!is_running_) {
    return 0;
  }
  const Sample* const oldest = oldest_within(now - limits::pace_window);
  if (oldest == nullptr || now - oldest->when < sample_distance) {
    return 0;
  }
  const auto bytes = static_cast<double>(last_.delivered_bytes - oldest->delivered_bytes);
  return static_cast<uint64_t>(bytes / seconds_of(now - oldest->when));
}

std::optional<Duration> SwarmPace::remaining(uint64_t left_bytes, Instant now) const {
  const uint64_t bytes_per_second = rate(now);
  if (left_bytes == 0 || bytes_per_second == 0) {
    return std::nullopt;
  }
  const double seconds = static_cast<double>(left_bytes) / static_cast<double>(bytes_per_second);
  return std::chrono::milliseconds(static_cast<int64_t>(std::min(seconds, 1e9) * 1000));
}

}  // namespace murder::tracker
