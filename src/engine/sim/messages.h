// Messages of the peer wire as events: values, not bytes.
#pragma once

#include "engine/base/ensure.h"
#include "engine/codec/peer_wire.h"
#include "engine/sim/event.h"

namespace murder::sim {

// Whether it needs no Parcel.
[[nodiscard]] inline bool fits_event(const codec::PeerMessage& message) {
  return message.payload.size() <= sizeof(Event::words);
}

inline void put_message(const codec::PeerMessage& message, Event& event) {
  ENSURE(fits_event(message));
  event.kind = EventKind::message;
  event.type = static_cast<uint8_t>(message.type);
  event.extended_id = message.extended_id;
  event.payload_bytes = static_cast<uint8_t>(message.payload.size());
  if (message.payload.empty()) {
    event.words[0] = message.piece.raw;
    event.words[1] = message.offset;
    event.words[2] = message.size_bytes;
  } else {
    std::memcpy(event.words, message.payload.data(), message.payload.size());
  }
}

// Its payload lies in the event.
[[nodiscard]] inline codec::PeerMessage message_of(const Event& event) {
  codec::PeerMessage message{.type = static_cast<codec::MessageType>(event.type),
                             .extended_id = event.extended_id};
  if (event.payload_bytes == 0) {
    message.piece = {event.words[0]};
    message.offset = event.words[1];
    message.size_bytes = event.words[2];
  } else {
    message.payload = {reinterpret_cast<const uint8_t*>(event.words), event.payload_bytes};
  }
  return message;
}

}  // namespace murder::sim
