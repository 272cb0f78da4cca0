// What happened in the swarms of a tracker, for who keeps a log. Pure: values that the owner of the
// table takes out now and then.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "engine/base/endpoint.h"
#include "engine/base/instant.h"
#include "engine/base/types.h"

namespace murder::tracker {

enum class TrackerEventKind : uint8_t {
  release_announced,  // for the first time since it is known
  host_done,          // a host said that it finished
  host_lost,          // one that fetches, or that the release comes from, fell silent
  release_complete,   // hosts finished, and none that is known fetches any more
  announce_refused,   // the table is full; at most one a minute
};

struct TrackerEvent {
  TrackerEventKind kind = TrackerEventKind::release_announced;
  InfoHash info_hash;
  std::string release;  // its name, presentable; empty: nobody told it
  std::string host;     // likewise
  Endpoint endpoint;    // of the host
  uint64_t left_bytes = 0;
  uint32_t done_count = 0;   // hosts that finished
  uint32_t fetch_count = 0;  // hosts that still fetch
  uint32_t lost_count = 0;
};

// Bounded by limits::tracker_events_max between two calls of take(); more are only counted.
class EventLog {
 public:
  explicit EventLog(bool is_kept) : is_kept_(is_kept) {}

  [[nodiscard]] bool is_kept() const { return is_kept_; }
  void add(TrackerEvent event);
  // An announce that was refused for want of room.
  void add_refused(TrackerEvent event, Instant now);

  struct Taken {
    std::vector<TrackerEvent> events;
    uint64_t dropped_count = 0;
  };
  [[nodiscard]] Taken take() { return std::exchange(taken_, {}); }

 private:
  bool is_kept_;
  Taken taken_;
  Instant next_refused_at_{};
};

}  // namespace murder::tracker
