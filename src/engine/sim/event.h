// What happens to a host, and when.
#pragma once

#include <cstdint>
#include <cstring>

#include "engine/base/instant.h"

namespace murder::sim {

enum class EventKind : uint8_t {
  join,
  tick,
  die,
  reset,           // one of its connections breaks
  dialed,          // side
  accepted,        // side
  handshake,       // side
  message,         // side; type and content below
  parcel,          // side; the Parcel: a message whose payload is larger than an event
  payload_begin,   // side; piece, unit, units
  payload_end,     // side
  block_left,      // side; bytes: its socket has sent them
  remote_end,      // side; reason
  closed,          // side
  disarmed,        // side
  verified,        // buffer
  stored,          // buffer
  announce_heard,  // the AnnounceTalk
  announcer_due,
};

struct Event {
  Instant when;
  uint32_t sequence = 0;  // set by the agenda
  EventKind kind = EventKind::tick;
  uint8_t type = 0;           // of a message
  uint8_t extended_id = 0;    // of a message
  uint8_t payload_bytes = 0;  // of a message: they lie in `words`
  uint32_t target = 0;        // a side or a buffer: see EventKind
  uint32_t words[3] = {};

  // Something larger that goes with it.
  template <typename T>
  void carry(T* object) {
    std::memcpy(words, &object, sizeof(void*));
  }
  template <typename T>
  [[nodiscard]] T* carried() const {
    T* object = nullptr;
    std::memcpy(&object, words, sizeof(void*));
    return object;
  }
};
static_assert(sizeof(Event) == 32);

[[nodiscard]] constexpr bool is_of_side(EventKind kind) {
  return kind >= EventKind::dialed && kind <= EventKind::disarmed;
}

}  // namespace murder::sim
