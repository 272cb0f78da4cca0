// Connections of simulated hosts: how they begin and how they end, as a kernel
// would have it.
#include <algorithm>
#include <array>

#include "engine/base/ensure.h"
#include "engine/sim/simulation.h"

namespace murder::sim {

using swarm::CloseReason;
using swarm::SessionId;

namespace {

constexpr uint16_t listen_port = 6881;
// From the order to close a connection until nothing of it is in flight in this
// process.
constexpr Duration close_takes = std::chrono::microseconds(5);

}  // namespace

// --- addresses -----------------------------------------------------------------------------------

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

// --- beginnings ----------------------------------------------------------------------------------

void Simulation::dial(Host& host, SessionId session, const Endpoint& endpoint) {
  std::vector<SideIndex>& free_sides = host.region->free_sides;
  if (free_sides.empty()) {
    sides_.make_more(free_sides);
  }
  const SideIndex side = free_sides.back();
  free_sides.pop_back();
  Side& near = sides_.at(side);
  Side& far = sides_.at(other_side(side));
  near = Side{};
  near.host = host.index;
  near.peer = host_at(endpoint);
  near.session = session;
  far = Side{};
  far.host = near.peer;
  far.peer = near.host;
  ENSURE(session.slot < host.sides.size() && host.sides[session.slot] == no_side);
  host.sides[session.slot] = side;
  push(host, host.now + 2 * options_.latency, EventKind::dialed, side);
}

void Simulation::dialed(Host& host, SideIndex side_index) {
  Side& side = sides_.at(side_index);
  if (!host.is_alive() || side.state != Side::State::connecting) {
    return;
  }
  const uint32_t target = side.peer;
  if (target == UINT32_MAX || !hosts_[target]->is_alive_at(host.now)) {
    if (target == UINT32_MAX || !hosts_[target]->is_silent_at(host.now)) {
      host.swarm->end(side.session, CloseReason::dial_failed, host.now);
    }
    return;
  }
  side.state = Side::State::open;
  Event event;
  event.kind = EventKind::accepted;
  say(host, side_index, event);
  host.swarm->dialed(side.session, host.now);
  note_swarm(host, side);
}

void Simulation::accepted(Host& host, SideIndex side_index) {
  if (!host.is_alive()) {
    if (!host.dies_silently) {
      break_off(host, side_index, CloseReason::connection_lost);
    }
    finish(host, side_index);
    return;
  }
  const uint32_t session_of_caller = sides_.at(other_side(side_index)).session.slot;
  const Endpoint from = {endpoint_of(sides_.at(side_index).peer).address,
                         static_cast<uint16_t>(32768 + session_of_caller % 28000)};
  const SessionId session = host.swarm->accept(from, host.now);
  if (session.is_none()) {
    break_off(host, side_index, CloseReason::remote_closed);
    finish(host, side_index);
    return;
  }
  ENSURE(session.slot < host.sides.size() && host.sides[session.slot] == no_side);
  host.sides[session.slot] = side_index;
  Side& side = sides_.at(side_index);
  side.session = session;
  side.state = Side::State::open;
  note_swarm(host, side);
}

void Simulation::note_swarm(const Host& host, Side& side) {
  side.swarm = host.swarm.get();
  side.state_of_session = side.swarm->session(side.session);
}

// --- ends ----------------------------------------------------------------------------------------

// Tells the other end that this one is gone.
void Simulation::break_off(Host& host, SideIndex side_index, CloseReason reason) {
  Event event;
  event.kind = EventKind::remote_end;
  event.words[0] = static_cast<uint32_t>(reason);
  say(host, side_index, event);
}

// For one of the host's connections; cut_off names its other end.
void Simulation::order(Host& host, SideIndex side_index, WireOrder::Kind kind) {
  if (kind == WireOrder::Kind::cut) {
    sides_.at(side_index).ordered_in = window_;
  }
  host.region->orders.push_back(
      {.when = host.now, .side = side_index, .kind = kind, .block = {}, .event = {}});
}

void Simulation::close(Host& host, SessionId session) {
  const SideIndex side_index = host.side(session);
  ENSURE(side_index != no_side);
  Side& side = sides_.at(side_index);
  ENSURE(side.state != Side::State::closed);
  const bool was_open = side.state == Side::State::open;
  side.state = Side::State::closed;
  order(host, side_index, WireOrder::Kind::cut);
  if (was_open) {
    break_off(host, side_index, CloseReason::remote_closed);
  } else {
    host.region->finished.push_back(other_side(side_index));  // which never heard of it
  }
  push(host, host.now + close_takes, EventKind::closed, side_index);
}

void Simulation::closed(Host& host, SideIndex side_index) {
  const SessionId session = sides_.at(side_index).session;
  host.sides[session.slot] = no_side;
  finish(host, side_index);
  if (host.is_alive()) {
    host.swarm->closed(session, host.now);
  }
}

// The side's host knows nothing of it any more; when both ends are so far, the connection is used
// again, after everything that is under way on it.
void Simulation::finish(Host& host, SideIndex side_index) {
  Side& side = sides_.at(side_index);
  side.state_of_session = nullptr;
  side.state = Side::State::closed;
  host.region->finished.push_back(side_index);
}

void Simulation::remote_end(Host& host, SideIndex side_index, CloseReason reason) {
  if (takes_part(host, side_index)) {
    host.swarm->end(sides_.at(side_index).session, reason, host.now);
  }
}

}  // namespace murder::sim
