// What goes over the connections of simulated hosts: messages as values,
// payload as flows.
#include <algorithm>

#include "engine/base/ensure.h"
#include "engine/base/fetch.h"
#include "engine/sim/simulation.h"

namespace murder::sim {

using codec::PeerMessage;
using swarm::SessionId;
using swarm::unit_bytes;
using Lane = EventQueue::Lane;

// --- messages
// ------------------------------------------------------------------------------------

uint32_t Simulation::make_parcel(const PeerMessage& message) {
  const uint32_t index = parcels_.take();
  Parcel& parcel = parcels_.at(index);
  parcel.message = message;
  parcel.payload.assign(message.payload.begin(), message.payload.end());
  parcel.message.payload = {};
  return index;
}

// What a host says to many within one event is one parcel, unless something was
// said to this receiver after that.
Parcel* Simulation::find_open_parcel(const PeerMessage& message, const Side& sender) {
  for (uint32_t position = 0; position < open_parcel_count_; ++position) {
    Parcel& parcel = parcels_.at(open_parcels_[position]);
    const PeerMessage& open = parcel.message;
    if (open.type == message.type && open.piece == message.piece && open.offset == message.offset &&
        open.size_bytes == message.size_bytes && open.extended_id == message.extended_id &&
        sender.last_parcel <= parcel.number &&
        std::ranges::equal(parcel.payload, message.payload)) {
      return &parcel;
    }
  }
  return nullptr;
}

void Simulation::send(Host& host, SessionId session, const PeerMessage& message) {
  const SideIndex side_index = host.side(session);
  ENSURE(side_index != no_side);
  Side& side = sides_[side_index];
  if (side.state != Side::State::open) {
    return;
  }
  ++counters_.message_count;
  counters_.message_bytes += codec::encoded_bytes(message);
  ++counters_.messages[static_cast<uint8_t>(message.type) % counters_.messages.size()];
  const Instant soonest = now_ + options_.latency;
  const bool at_once = side.flow == FlowNetwork::none && side.last_arrival <= soonest;
  if (!at_once) {
    const uint32_t single = make_parcel(message);
    parcels_.at(single).receivers.push_back(other_side(side_index));
    side.last_parcel = parcels_.at(single).number;
    push(arrival(side), EventKind::parcel, single, 0, 0, Lane::latency);
    return;
  }
  if (open_parcel_host_ != host.index) {
    open_parcel_host_ = host.index;
    open_parcel_count_ = 0;
  }
  Parcel* parcel = find_open_parcel(message, side);
  if (parcel == nullptr) {
    const uint32_t index = make_parcel(message);
    parcel = &parcels_.at(index);
    open_parcels_[open_parcel_next_++ % open_parcels_.size()] = index;
    open_parcel_count_ =
        std::min(open_parcel_count_ + 1, static_cast<uint32_t>(open_parcels_.size()));
    push(soonest, EventKind::parcel, index, 0, 0, Lane::latency);
  }
  parcel->receivers.push_back(other_side(side_index));
  side.last_parcel = parcel->number;
}

// The state of many hosts is not in the processor's caches, and each receiver's lies elsewhere:
// what the next ones will need is asked for while this one is served.
void Simulation::fetch_ahead(const Parcel& parcel, size_t position) const {
  constexpr size_t step = 4;
  const std::vector<SideIndex>& receivers = parcel.receivers;
  if (position + 3 * step < receivers.size()) {
    fetch(&sides_[receivers[position + 3 * step]]);
  }
  if (position + 2 * step < receivers.size()) {
    const Side& side = sides_[receivers[position + 2 * step]];
    if (side.state_of_session != nullptr) {
      side.swarm->fetch_ahead(*side.state_of_session);
    }
  }
  if (position + step < receivers.size()) {
    const Side& side = sides_[receivers[position + step]];
    if (side.state_of_session != nullptr) {
      side.swarm->fetch_ahead(side.session, *side.state_of_session, parcel.message);
    }
  }
}

void Simulation::deliver(uint32_t index) {
  Parcel parcel = std::move(parcels_.at(index));  // the pool may grow meanwhile
  parcel.message.payload = parcel.payload;
  for (size_t position = 0; position < parcel.receivers.size(); ++position) {
    fetch_ahead(parcel, position);
    const SideIndex receiver = parcel.receivers[position];
    const Side& side = sides_[receiver];
    Host& host = *hosts_[side.host];
    if (side.state == Side::State::open && host.is_alive()) {
      host.swarm->received(side.session, parcel.message, now_);
      check(host);
    }
  }
  parcels_.at(index) = std::move(parcel);
  parcels_.give_back(index);
}

void Simulation::send_handshake(Host& host, SessionId session, const codec::Handshake&) {
  const SideIndex side_index = host.side(session);
  ENSURE(side_index != no_side);
  Side& side = sides_[side_index];
  counters_.message_bytes += codec::handshake_bytes;
  side.last_parcel = parcels_.next_number();  // what follows must not join what came before
  push(arrival(side), EventKind::handshake, other_side(side_index), 0, 0, Lane::latency);
}

void Simulation::hear_handshake(SideIndex side_index) {
  const Side& side = sides_[side_index];
  Host& host = *hosts_[side.host];
  if (side.state == Side::State::open && host.is_alive()) {
    const Host& from = *hosts_[sides_[other_side(side_index)].host];
    host.swarm->received(side.session,
                         codec::Handshake{.info_hash = {},
                                          .peer_id = from.peer_id,
                                          .fast_extension = true,
                                          .extension_protocol = true},
                         now_);
  }
}

// --- blocks
// --------------------------------------------------------------------------------------

void Simulation::send_block(Host& host, SessionId session, const BlockRange& block) {
  const SideIndex side_index = host.side(session);
  ENSURE(side_index != no_side);
  Side& side = sides_[side_index];
  if (side.state != Side::State::open) {
    note_fault(host, "a block for a connection that is closed");
    return;
  }
  if (!host.verified.test(block.piece.raw)) {
    note_fault(host, "a block is sent that is not there");
  }
  if (side.blocks.full() || block.offset % unit_bytes != 0) {
    note_fault(host,
               "more blocks are handed to a connection than its window, "
               "or a crooked one");
    return;
  }
  side.blocks.push(block);
  if (side.flow == FlowNetwork::none && !side.is_cut_off) {
    start_flow(side_index);
  }
}

void Simulation::start_flow(SideIndex side_index) {
  Side& side = sides_[side_index];
  const Host& from = *hosts_[side.host];
  const Host& to = *hosts_[sides_[other_side(side_index)].host];
  std::array<uint32_t, FlowNetwork::links_max> links = {from.link_up, to.link_down};
  uint32_t count = 2;
  if (options_.rack_uplink > 0 && from.rack != to.rack) {
    if (from.rack != no_rack) {
      links[count++] = rack_up_[from.rack];
    }
    if (to.rack != no_rack) {
      links[count++] = rack_down_[to.rack];
    }
  }
  const uint64_t size_bytes = next_block(side_index);
  side.flow = network_.start(std::span(links).first(count), size_bytes, side_index, now_);
}

// The first of the blocks that wait begins to leave. Returns its bytes on the
// wire.
uint64_t Simulation::next_block(SideIndex side_index) {
  Side& side = sides_[side_index];
  side.sending = side.blocks.pop();
  const uint32_t units = side.sending.offset / unit_bytes |
                         (side.sending.size_bytes + unit_bytes - 1) / unit_bytes << 16U;
  side.last_arrival = std::max(side.last_arrival, now_ + options_.latency);
  push(side.last_arrival, EventKind::payload_begin, other_side(side_index), side.sending.piece.raw,
       units, Lane::latency);
  return uint64_t{side.sending.size_bytes} + codec::piece_head_bytes;
}

// Blocks that follow one another on a connection are one flow, so that the
// shares of others change only when its last one has left.
void Simulation::block_left(SideIndex side_index) {
  Host& host = *hosts_[sides_[side_index].host];
  {
    Side& side = sides_[side_index];
    side.last_arrival = std::max(side.last_arrival, now_ + options_.latency);
    push(side.last_arrival, EventKind::payload_end, other_side(side_index), 0, 0, Lane::latency);
    ++counters_.block_count;
    host.swarm->block_sent(side.session, side.sending.size_bytes, now_);
  }
  const uint32_t flow = sides_[side_index].flow;
  if (flow != FlowNetwork::none) {  // else the connection was closed meanwhile
    if (sides_[side_index].blocks.empty()) {
      sides_[side_index].flow = FlowNetwork::none;
      network_.end(flow, now_);
    } else {
      network_.prolong(flow, next_block(side_index), now_);
    }
  }
  if (host.index == seeder_index) {
    leave_if_given(host);
  }
}

void Simulation::payload_begins(SideIndex side_index, PieceIndex piece, uint32_t units) {
  Side& side = sides_[side_index];
  Host& host = *hosts_[side.host];
  if (side.state != Side::State::open || !host.is_alive()) {
    return;
  }
  const uint32_t offset = (units & 0xFFFFU) * unit_bytes;
  const uint32_t size =
      std::min((units >> 16U) * unit_bytes, options_.geometry.piece_size(piece) - offset);
  side.arriving_bytes = size;
  const swarm::PayloadPlace place =
      host.swarm->payload_begin(side.session, {piece, offset, size}, now_);
  sides_[side_index].place_is_wanted = place.wanted;
  if (!place.wanted) {
    host.unwanted_bytes += size;
    count_into_rack(side_index);
  }
}

void Simulation::count_into_rack(SideIndex side_index) {
  const Side& receiver = sides_[side_index];
  const uint32_t rack = hosts_[receiver.host]->rack;
  const Host& from = *hosts_[sides_[other_side(side_index)].host];
  if (rack != no_rack && rack != from.rack) {
    rack_bytes_[rack] += receiver.arriving_bytes;
  }
}

void Simulation::payload_ends(SideIndex side_index) {
  const Side& side = sides_[side_index];
  Host& host = *hosts_[side.host];
  if (side.state != Side::State::open || !host.is_alive()) {
    return;
  }
  if (side.place_is_wanted) {
    count_into_rack(side_index);
    host.wanted_bytes += side.arriving_bytes;
    host.swarm->payload_end(side.session, now_);
  }
}

}  // namespace murder::sim
