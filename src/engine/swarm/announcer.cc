#include "engine/swarm/announcer.h"

#include <algorithm>

#include "engine/base/ensure.h"

namespace murder::swarm {
namespace {

// A tracker that is down is tried often enough that it is found within seconds after its return.
constexpr policy::Backoff backoff = {std::chrono::seconds(1), std::chrono::seconds(15)};
constexpr Duration interval_least = std::chrono::seconds(1);
constexpr std::chrono::hours interval_most(1);
constexpr Duration hungry_interval = std::chrono::seconds(5);

}  // namespace

Announcer::Announcer(uint32_t tracker_count, Prng prng) : trackers_(tracker_count), prng_(prng) {}

Instant Announcer::due(const Tracker& tracker) const {
  if (tracker.asking) {
    return instant_never;
  }
  if (stopping_) {
    return tracker.tell_stopped ? Instant{} : instant_never;
  }
  if (tracker.never) {
    return instant_never;
  }
  return tracker.tell_completed && tracker.known_there && tracker.failures == 0 ? Instant{}
                                                                                : tracker.next_at;
}

std::optional<Announcer::Order> Announcer::next(Instant now) {
  for (uint32_t index = 0; index < trackers_.size(); ++index) {
    Tracker& tracker = trackers_[index];
    if (due(tracker) > now) {
      continue;
    }
    tracker.asking = true;
    if (stopping_) {
      tracker.asked = codec::AnnounceEvent::stopped;
    } else if (!tracker.known_there) {
      tracker.asked = codec::AnnounceEvent::started;
    } else if (tracker.tell_completed) {
      tracker.asked = codec::AnnounceEvent::completed;
    } else {
      tracker.asked = codec::AnnounceEvent::none;
    }
    return Order{{index}, tracker.asked};
  }
  return std::nullopt;
}

Instant Announcer::next_due() const {
  Instant next = instant_never;
  for (const Tracker& tracker : trackers_) {
    next = std::min(next, due(tracker));
  }
  return next;
}

void Announcer::replied(TrackerIndex index, const codec::AnnounceReply& reply, Instant now) {
  ENSURE(index.raw < trackers_.size());
  Tracker& tracker = trackers_[index.raw];
  if (!reply.failure_reason.empty()) {
    const bool never = reply.retry_never;
    failed(index, reply.failure_reason, now);
    tracker.never = never;
    if (reply.retry_in_minutes) {
      const auto wait = std::min<std::chrono::minutes>(
          std::chrono::minutes(*reply.retry_in_minutes), interval_most);
      tracker.next_at = std::max(tracker.next_at, now + wait);
    }
    return;
  }
  ENSURE(tracker.asking);
  tracker.asking = false;
  tracker.failures = 0;
  if (tracker.asked == codec::AnnounceEvent::stopped) {
    tracker.tell_stopped = false;
    return;
  }
  tracker.known_there = true;
  if (tracker.asked == codec::AnnounceEvent::completed) {
    tracker.tell_completed = false;
  }
  if (!reply.tracker_id.empty()) {
    tracker.tracker_id = reply.tracker_id;
  }
  tracker.view = {.works = true,
                  .tried = true,
                  .trouble = {},
                  .complete = reply.complete.value_or(0),
                  .incomplete = reply.incomplete.value_or(0)};
  const Duration interval =
      std::clamp<Duration>(std::chrono::seconds(reply.interval_s), interval_least, interval_most);
  const Duration least =
      std::clamp<Duration>(std::chrono::seconds(reply.interval_min_s.value_or(reply.interval_s)),
                           interval_least, interval);
  tracker.next_at = now + interval;
  tracker.earliest_at = now + least;
  tracker.tell_stopped = tracker.tell_stopped || stopping_;
}

void Announcer::failed(TrackerIndex index, std::string reason, Instant now) {
  ENSURE(index.raw < trackers_.size());
  Tracker& tracker = trackers_[index.raw];
  ENSURE(tracker.asking);
  tracker.asking = false;
  ++tracker.failures;
  tracker.next_at = now + backoff.wait(tracker.failures, prng_);
  tracker.view.works = false;
  tracker.view.tried = true;
  tracker.view.trouble = std::move(reason);
  tracker.tell_stopped = false;  // it is told once, not until it hears
}

void Announcer::completed(Instant) {
  for (Tracker& tracker : trackers_) {
    tracker.tell_completed = true;
  }
}

void Announcer::want_peers(Instant now) {
  for (Tracker& tracker : trackers_) {
    if (!tracker.asking && tracker.failures == 0 && tracker.known_there) {
      tracker.next_at =
          std::min(tracker.next_at, std::max(tracker.earliest_at, now + hungry_interval));
    }
  }
}

void Announcer::stop(Instant) {
  stopping_ = true;
  for (Tracker& tracker : trackers_) {
    tracker.tell_stopped = tracker.known_there && tracker.failures == 0;
  }
}

bool Announcer::stopped() const {
  return stopping_ && std::none_of(trackers_.begin(), trackers_.end(), [](const Tracker& tracker) {
           return tracker.tell_stopped || tracker.asking;
         });
}

uint32_t Announcer::sharing_count() const {
  const auto count = std::count_if(trackers_.begin(), trackers_.end(), [](const Tracker& tracker) {
    return !tracker.never && (tracker.view.works || !tracker.view.tried);
  });
  return std::max<uint32_t>(1, static_cast<uint32_t>(count));
}

Announcer::TrackerView Announcer::view(TrackerIndex tracker) const {
  return trackers_[tracker.raw].view;
}

const std::string& Announcer::tracker_id(TrackerIndex tracker) const {
  return trackers_[tracker.raw].tracker_id;
}

}  // namespace murder::swarm
