// When to talk to which tracker. Each tracker named is announced to on its own clock, so that peers
// of one meet the peers of all (BEP 12 lists trackers; the fleet's are all ours). No socket, no
// clock.
//
// A tracker is in exactly one state: waiting (next_at says until when) -> asking (one request in
// flight) -> waiting. After stop() each tracker that knows us is told once, and then there is
// nothing more to do.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/instant.h"
#include "engine/base/prng.h"
#include "engine/base/types.h"
#include "engine/codec/announce.h"
#include "engine/policy/backoff.h"

namespace murder::swarm {

class Announcer {
 public:
  Announcer(uint32_t tracker_count, Prng prng);

  struct Order {
    TrackerIndex tracker;
    codec::AnnounceEvent event;
  };
  // An announce that is due now; the tracker is asking from here on, until replied() or failed().
  // Call it until it has none, after every input and at next_due().
  [[nodiscard]] std::optional<Order> next(Instant now);
  [[nodiscard]] Instant next_due() const;

  void replied(TrackerIndex tracker_index, const codec::AnnounceReply& reply, Instant now);
  // No answer, or one that is not a tracker's. `reason` is for people.
  void failed(TrackerIndex tracker_index, std::string reason, Instant now);

  // We have everything now; each tracker hears it at once, if we had not at our start.
  void completed(Instant now);
  // We could use more peers: trackers are asked again soon, as often as they allow.
  void want_peers(Instant now);
  void stop(Instant now);
  // After stop(): every tracker that knew us has been told, or could not be.
  [[nodiscard]] bool stopped() const;
  // One request of it is in flight.
  [[nodiscard]] bool is_asking(TrackerIndex tracker) const { return trackers_[tracker.raw].asking; }
  // It has never answered: at the end it is not worth a wait.
  [[nodiscard]] bool is_stranger(TrackerIndex tracker) const {
    return !trackers_[tracker.raw].known_there;
  }
  // Trackers that answer, or were not asked yet: each builds its share of the graph. At least 1.
  [[nodiscard]] uint32_t sharing_count() const;

  struct TrackerView {
    bool works = false;   // the last announce was answered
    bool tried = false;   // at least one announce has ended
    std::string trouble;  // why the last one was not; empty when it works
    uint32_t complete = 0;
    uint32_t incomplete = 0;
  };
  [[nodiscard]] TrackerView view(TrackerIndex tracker) const;
  [[nodiscard]] uint32_t tracker_count() const { return static_cast<uint32_t>(trackers_.size()); }
  [[nodiscard]] const std::string& tracker_id(TrackerIndex tracker) const;

 private:
  struct Tracker {
    bool asking = false;
    bool known_there = false;  // it has answered a `started`
    bool never = false;        // BEP 31: do not come back
    bool tell_completed = false;
    bool tell_stopped = false;
    codec::AnnounceEvent asked = codec::AnnounceEvent::none;
    uint32_t failures = 0;
    Instant next_at{};
    Instant earliest_at{};  // its `min interval`
    std::string tracker_id;
    TrackerView view;
  };

  [[nodiscard]] Instant due(const Tracker& tracker) const;

  std::vector<Tracker> trackers_;
  Prng prng_;
  bool stopping_ = false;
};

}  // namespace murder::swarm
