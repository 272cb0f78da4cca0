// What a host says and sends on its connections, and what it hears.
#include <algorithm>

#include "engine/base/ensure.h"
#include "engine/sim/connections.h"
#include "engine/sim/messages.h"

namespace murder::sim {

using codec::PeerMessage;
using swarm::SessionId;
using swarm::unit_bytes;

namespace {

// From the order to let go of a connection's places until no receive is armed on them.
constexpr Duration disarm_takes = std::chrono::microseconds(5);

}  // namespace

// --- messages ------------------------------------------------------------------------------------

// Tells the other end. Behind payload, or behind what waits there, it is the wires that know when
// it arrives.
void Connections::say(Host& host, SideIndex side_index, Event event) {
  Side& side = sides_.at(side_index);
  event.target = other_side(side_index);
  event.when = host.now + options_.latency;
  if (side.flow == FlowNetwork::none && side.ordered_in != clock_.window &&
      side.last_arrival <= event.when) {
    host.region->outbox[fleet_.region_of(side.peer)].push_back({side.peer, event});
    return;
  }
  side.ordered_in = clock_.window;
  host.region->orders.push_back(
      {.when = host.now, .side = side_index, .kind = WireOrder::Kind::say, .event = event});
}

void Connections::send(Host& host, SessionId session, const PeerMessage& message) {
  const SideIndex side_index = host.side(session);
  ENSURE(side_index != no_side);
  if (sides_.at(side_index).state != Side::State::open) {
    return;
  }
  ++host.region->counters.message_count;
  host.region->counters.message_bytes += codec::encoded_bytes(message);
  Event event;
  if (fits_event(message)) {
    put_message(message, event);
  } else {
    auto parcel = std::make_unique<Parcel>();
    parcel->message = message;
    parcel->payload.assign(message.payload.begin(), message.payload.end());
    parcel->message.payload = parcel->payload;
    event.kind = EventKind::parcel;
    event.carry(parcel.release());
  }
  say(host, side_index, event);
}

void Connections::hear(Host& host, const Event& event) {
  const std::unique_ptr<Parcel> parcel(event.kind == EventKind::parcel ? event.carried<Parcel>()
                                                                       : nullptr);
  if (takes_part(host, event.target)) {
    host.swarm->received(sides_.at(event.target).session,
                         parcel != nullptr ? parcel->message : message_of(event), host.now);
  }
}

void Connections::send_handshake(Host& host, SessionId session) {
  const SideIndex side_index = host.side(session);
  ENSURE(side_index != no_side);
  host.region->counters.message_bytes += codec::handshake_bytes;
  Event event;
  event.kind = EventKind::handshake;
  say(host, side_index, event);
}

void Connections::hear_handshake(Host& host, SideIndex side_index) {
  if (takes_part(host, side_index)) {
    const Host& from = fleet_.host(sides_.at(side_index).peer);
    host.swarm->received(sides_.at(side_index).session,
                         codec::Handshake{.info_hash = {},
                                          .peer_id = from.peer_id,
                                          .fast_extension = true,
                                          .extension_protocol = true},
                         host.now);
  }
}

// --- blocks --------------------------------------------------------------------------------------

void Connections::send_block(Host& host, SessionId session, const BlockRange& block) {
  const SideIndex side_index = host.side(session);
  ENSURE(side_index != no_side);
  Side& side = sides_.at(side_index);
  if (side.state != Side::State::open) {
    host.note_fault("a block for a connection that is closed");
    return;
  }
  if (!host.verified.test(block.piece.raw) || block.offset % unit_bytes != 0) {
    host.note_fault("a block is sent that is not there, or a crooked one");
    return;
  }
  side.ordered_in = clock_.window;
  host.region->orders.push_back({.when = host.now,
                                 .side = side_index,
                                 .kind = WireOrder::Kind::block,
                                 .block = block,
                                 .event = {}});
}

bool Connections::block_sent(Host& host, const Event& event) {
  if (!takes_part(host, event.target)) {
    return false;
  }
  host.swarm->block_sent(sides_.at(event.target).session, event.words[0], host.now);
  return true;
}

void Connections::payload_begins(Host& host, const Event& event) {
  if (!takes_part(host, event.target)) {
    return;
  }
  Side& side = sides_.at(event.target);
  const BlockRange block = {{event.words[0]}, event.words[1], event.words[2]};
  side.arriving_bytes = block.size_bytes;
  side.place_is_wanted = host.swarm->payload_begin(side.session, block, host.now).wanted;
  if (!side.place_is_wanted) {
    host.unwanted_bytes += block.size_bytes;
    count_into_rack(host, side);
  }
}

void Connections::payload_ends(Host& host, SideIndex side_index) {
  const Side& side = sides_.at(side_index);
  if (takes_part(host, side_index) && side.place_is_wanted) {
    count_into_rack(host, side);
    host.wanted_bytes += side.arriving_bytes;
    host.swarm->payload_end(side.session, host.now);
  }
}

void Connections::count_into_rack(Host& host, const Side& receiver) {
  if (host.rack != no_rack && host.rack != fleet_.host(receiver.peer).rack) {
    host.outside_bytes += receiver.arriving_bytes;
  }
}

// --- places --------------------------------------------------------------------------------------

void Connections::disarm(Host& host, SessionId session) {
  const SideIndex side_index = host.side(session);
  ENSURE(side_index != no_side);
  host.push(host.now + disarm_takes, EventKind::disarmed, side_index);
}

void Connections::disarmed(Host& host, SideIndex side_index) {
  if (takes_part(host, side_index)) {
    host.swarm->disarmed(sides_.at(side_index).session, host.now);
  }
}

}  // namespace murder::sim
