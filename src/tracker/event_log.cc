#include "tracker/event_log.h"

#include "tracker/bounds.h"

namespace murder::tracker {

void EventLog::add(TrackerEvent event) {
  if (!is_kept_) {
    return;
  }
  if (taken_.events.size() >= limits::tracker_events_max) {
    ++taken_.dropped_count;
    return;
  }
  taken_.events.push_back(std::move(event));
}

void EventLog::add_refused(TrackerEvent event, Instant now) {
  if (!is_kept_ || now < next_refused_at_) {
    return;
  }
  next_refused_at_ = now + limits::refused_event_pause;
  add(std::move(event));
}

}  // namespace murder::tracker
