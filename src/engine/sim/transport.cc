// Connections of simulated hosts: how they begin and how they end, as a kernel
// would have it.
#include <algorithm>
#include <array>

#include "engine/base/ensure.h"
#include "engine/sim/simulation.h"

namespace murder::sim {

using swarm::CloseReason;
using swarm::SessionId;
using Lane = EventQueue::Lane;

namespace {

constexpr uint16_t listen_port = 6881;
// From the order to close a connection until nothing of it is in flight in this
// process.
constexpr Duration close_takes = std::chrono::microseconds(5);

}  // namespace

// --- addresses
// -----------------------------------------------------------------------------------

Endpoint Simulation::endpoint_of(uint32_t host) {
  const uint32_t number = host + 1;
  const std::array<uint8_t, 4> address = {10, static_cast<uint8_t>(number >> 16U),
                                          static_cast<uint8_t>(number >> 8U),
                                          static_cast<uint8_t>(number)};
  return {IpAddress::from_v4(address), listen_port};
}

uint32_t Simulation::host_at(const Endpoint& endpoint) const {
  const auto bytes = endpoint.address.v4_bytes();
  const uint32_t number = (uint32_t{bytes[1]} << 16U) | (uint32_t{bytes[2]} << 8U) | bytes[3];
  const bool known = endpoint.address.is_v4() && bytes[0] == 10 && endpoint.port == listen_port &&
                     number >= 1 && number <= hosts_.size();
  return known ? number - 1 : UINT32_MAX;
}

// --- beginnings
// ----------------------------------------------------------------------------------

SideIndex Simulation::make_connection(uint32_t from, uint32_t to) {
  if (free_sides_.empty()) {
    free_sides_.push_back(static_cast<SideIndex>(sides_.size()));
    sides_.resize(sides_.size() + 2);
  }
  const SideIndex side = free_sides_.back();
  free_sides_.pop_back();
  sides_[side] = Side{};
  sides_[side].host = from;
  sides_[other_side(side)] = Side{};
  sides_[other_side(side)].host = to;
  return side;
}

void Simulation::dial(Host& host, SessionId session, const Endpoint& endpoint) {
  const SideIndex side = make_connection(host.index, host_at(endpoint));
  sides_[side].session = session;
  ENSURE(session.slot < host.sides.size() && host.sides[session.slot] == no_side);
  host.sides[session.slot] = side;
  push(now_ + 2 * options_.latency, EventKind::dialed, side);
}

void Simulation::dialed(SideIndex side_index) {
  Side& side = sides_[side_index];
  Host& host = *hosts_[side.host];
  Side& remote = sides_[other_side(side_index)];
  if (!host.is_alive() || side.state != Side::State::connecting) {
    return;
  }
  const Host* target = remote.host == UINT32_MAX ? nullptr : hosts_[remote.host].get();
  if (target == nullptr || !target->is_alive()) {
    if (target == nullptr || !target->is_silent) {
      host.swarm->end(side.session, CloseReason::dial_failed, now_);
    }
    return;
  }
  side.state = Side::State::open;
  const SessionId session = side.session;
  push(now_ + options_.latency, EventKind::accepted, other_side(side_index), 0, 0, Lane::latency);
  host.swarm->dialed(session, now_);
  note_swarm(sides_[side_index]);
}

void Simulation::accepted(SideIndex side_index) {
  Host& host = *hosts_[sides_[side_index].host];
  const SideIndex remote = other_side(side_index);
  if (!host.is_alive()) {
    if (!host.is_silent) {
      break_off(side_index, CloseReason::connection_lost);
    }
    finish(side_index);
    return;
  }
  const Endpoint from = {endpoint_of(sides_[remote].host).address,
                         static_cast<uint16_t>(32768 + (side_index / 2) % 28000)};
  const SessionId session = host.swarm->accept(from, now_);
  if (session.is_none()) {
    break_off(side_index, CloseReason::remote_closed);
    finish(side_index);
    return;
  }
  ENSURE(session.slot < host.sides.size() && host.sides[session.slot] == no_side);
  host.sides[session.slot] = side_index;
  sides_[side_index].session = session;
  sides_[side_index].state = Side::State::open;
  note_swarm(sides_[side_index]);
}

void Simulation::note_swarm(Side& side) {
  side.swarm = hosts_[side.host]->swarm.get();
  side.state_of_session = side.swarm->session(side.session);
}

// --- ends
// ----------------------------------------------------------------------------------------

// When what a side says now arrives at the other end.
Instant Simulation::arrival(Side& from) {
  Instant when = now_ + options_.latency;
  if (from.flow != FlowNetwork::none && options_.socket_bytes > 0) {
    // It waits until the socket has sent the payload that it was given before.
    const double left = network_.left_bytes(from.flow, now_);
    const double sent = from.sending.size_bytes - left;
    const double window = options_.socket_bytes;
    const double boundary =
        (static_cast<double>(static_cast<uint64_t>(sent / window)) + 1) * window;
    const double ahead = std::min<double>(boundary, from.sending.size_bytes) - sent;
    when += Duration(static_cast<int64_t>(ahead / network_.rate(from.flow) * 1e9));
  }
  when = std::max(when, from.last_arrival);
  from.last_arrival = when;
  return when;
}

// Tells the other end that this one is gone.
void Simulation::break_off(SideIndex side_index, CloseReason reason) {
  Side& side = sides_[side_index];
  push(arrival(side), EventKind::remote_end, other_side(side_index), static_cast<uint32_t>(reason),
       0, Lane::latency);
}

void Simulation::cut(Side& side) {
  if (side.flow != FlowNetwork::none) {
    network_.end(side.flow, now_);
    side.flow = FlowNetwork::none;
  }
  side.blocks.clear();
}

void Simulation::close(Host& host, SessionId session) {
  const SideIndex side_index = host.side(session);
  ENSURE(side_index != no_side);
  Side& side = sides_[side_index];
  ENSURE(side.state != Side::State::closed);
  const bool was_open = side.state == Side::State::open;
  side.state = Side::State::closed;
  cut(side);
  if (was_open) {
    break_off(side_index, CloseReason::remote_closed);
  } else {
    finish(other_side(side_index));
  }
  push(now_ + close_takes, EventKind::closed, side_index);
}

void Simulation::closed(SideIndex side_index) {
  Host& host = *hosts_[sides_[side_index].host];
  const SessionId session = sides_[side_index].session;
  host.sides[session.slot] = no_side;
  finish(side_index);
  if (host.is_alive()) {
    host.swarm->closed(session, now_);
  }
}

// The side's host knows nothing of it any more; when both ends are so far, the
// connection is used again, after everything that is under way on it.
void Simulation::finish(SideIndex side_index) {
  Side& side = sides_[side_index];
  Side& remote = sides_[other_side(side_index)];
  ENSURE(!side.finished);
  side.finished = true;
  side.state_of_session = nullptr;
  side.state = Side::State::closed;
  if (remote.finished) {
    const Instant last =
        std::max({now_ + 3 * options_.latency, side.last_arrival, remote.last_arrival});
    push(last + std::chrono::microseconds(1), EventKind::forget,
         std::min(side_index, other_side(side_index)));
  }
}

void Simulation::remote_end(SideIndex side_index, CloseReason reason) {
  const Side& side = sides_[side_index];
  const Host& host = *hosts_[side.host];
  if (side.state == Side::State::open && host.is_alive()) {
    host.swarm->end(side.session, reason, now_);
  }
}

}  // namespace murder::sim
