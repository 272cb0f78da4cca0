#include "engine/sim/region.h"

namespace murder::sim {

void drop(const Event& event) {
  if (event.kind == EventKind::parcel) {
    delete event.carried<Parcel>();
  } else if (event.kind == EventKind::announce_heard) {
    delete event.carried<AnnounceTalk>();
  }
}

Counters& Counters::operator+=(const Counters& other) {
  event_count += other.event_count;
  message_count += other.message_count;
  message_bytes += other.message_bytes;
  block_count += other.block_count;
  announce_count += other.announce_count;
  return *this;
}

}  // namespace murder::sim
