// How connections of simulated hosts begin and how they end, as a kernel would have it.
#include <algorithm>

#include "engine/base/ensure.h"
#include "engine/sim/addresses.h"
#include "engine/sim/connections.h"

namespace murder::sim {

using swarm::CloseReason;
using swarm::SessionId;

namespace {

// From the order to close a connection until nothing of it is in flight in this process.
constexpr Duration close_takes = std::chrono::microseconds(5);

}  // namespace

void Connections::handle(Host& host, const Event& event) {
  switch (event.kind) {
    case EventKind::message:
    case EventKind::parcel:
      hear(host, event);
      return;
    case EventKind::dialed:
      dialed(host, event.target);
      return;
    case EventKind::accepted:
      accepted(host, event.target);
      return;
    case EventKind::handshake:
      hear_handshake(host, event.target);
      return;
    case EventKind::payload_begin:
      payload_begins(host, event);
      return;
    case EventKind::payload_end:
      payload_ends(host, event.target);
      return;
    case EventKind::remote_end:
      remote_end(host, event.target, static_cast<CloseReason>(event.words[0]));
      return;
    case EventKind::closed:
      closed(host, event.target);
      return;
    case EventKind::disarmed:
      disarmed(host, event.target);
      return;
    default:
      ENSURE(false);
  }
}

// --- beginnings ----------------------------------------------------------------------------------

void Connections::dial(Host& host, SessionId session, const Endpoint& endpoint) {
  std::vector<SideIndex>& free_sides = host.region->free_sides;
  if (free_sides.empty()) {
    sides_.make_more(free_sides);
  }
  const SideIndex side = free_sides.back();
  ENSURE(side % 2 == 0);  // the first of a pair
  free_sides.pop_back();
  Side& near = sides_.at(side);
  Side& far = sides_.at(other_side(side));
  near = Side{};
  near.host = host.index;
  near.peer = host_at(endpoint, fleet_.hosts().size());
  near.session = session;
  far = Side{};
  far.host = near.peer;
  far.peer = near.host;
  ENSURE(session.slot < host.sides.size() && host.sides[session.slot] == no_side);
  host.sides[session.slot] = side;
  host.push(host.now + 2 * options_.latency, EventKind::dialed, side);
}

void Connections::dialed(Host& host, SideIndex side_index) {
  Side& side = sides_.at(side_index);
  if (!host.is_alive() || side.state != Side::State::connecting) {
    return;
  }
  const uint32_t target = side.peer;
  if (target == UINT32_MAX || !fleet_.host(target).is_alive_at(host.now)) {
    if (target == UINT32_MAX || !fleet_.host(target).is_silent_at(host.now)) {
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

void Connections::accepted(Host& host, SideIndex side_index) {
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

void Connections::note_swarm(const Host& host, Side& side) {
  side.swarm = host.swarm.get();
  side.state_of_session = side.swarm->session(side.session);
  ENSURE(side.state_of_session != nullptr);
}

// --- ends ----------------------------------------------------------------------------------------

// Tells the other end that this one is gone.
void Connections::break_off(Host& host, SideIndex side_index, CloseReason reason) {
  Event event;
  event.kind = EventKind::remote_end;
  event.words[0] = static_cast<uint32_t>(reason);
  say(host, side_index, event);
}

// For one of the host's connections; cut_off names its other end.
void Connections::order(Host& host, SideIndex side_index, WireOrder::Kind kind) {
  if (kind == WireOrder::Kind::cut) {
    sides_.at(side_index).ordered_in = clock_.window;
  }
  host.region->orders.push_back(
      {.when = host.now, .side = side_index, .kind = kind, .block = {}, .event = {}});
}

void Connections::close(Host& host, SessionId session) {
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
  host.push(host.now + close_takes, EventKind::closed, side_index);
}

void Connections::closed(Host& host, SideIndex side_index) {
  const SessionId session = sides_.at(side_index).session;
  ENSURE(session.slot < host.sides.size() && host.sides[session.slot] == side_index);
  host.sides[session.slot] = no_side;
  finish(host, side_index);
  if (host.is_alive()) {
    host.swarm->closed(session, host.now);
  }
}

// The side's host knows nothing of it any more; when both ends are so far, the connection is used
// again, after everything that is under way on it.
void Connections::finish(Host& host, SideIndex side_index) {
  Side& side = sides_.at(side_index);
  side.state_of_session = nullptr;
  side.state = Side::State::closed;
  host.region->finished.push_back(side_index);
}

void Connections::remote_end(Host& host, SideIndex side_index, CloseReason reason) {
  if (takes_part(host, side_index)) {
    host.swarm->end(sides_.at(side_index).session, reason, host.now);
  }
}

void Connections::host_died(Host& host) {
  for (const SideIndex side_index : host.sides) {
    if (side_index == no_side || sides_.at(side_index).state == Side::State::closed) {
      continue;
    }
    order(host, side_index, WireOrder::Kind::cut);
    if (host.dies_silently) {
      order(host, other_side(side_index), WireOrder::Kind::cut_off);
    } else if (sides_.at(side_index).state == Side::State::open) {
      break_off(host, side_index, swarm::CloseReason::connection_lost);
    }
    finish(host, side_index);
  }
}

void Connections::reset_one(Host& host) {
  std::vector<SideIndex> open;
  for (const SideIndex side : host.sides) {
    if (side != no_side && sides_.at(side).state == Side::State::open) {
      open.push_back(side);
    }
  }
  if (!open.empty()) {
    const SideIndex side = open[host.prng.below(static_cast<uint32_t>(open.size()))];
    host.swarm->end(sides_.at(side).session, swarm::CloseReason::connection_lost, host.now);
  }
}

void Connections::recycle() {
  while (!resting_.empty() && resting_.front().until < clock_.now) {
    const SideIndex side = resting_.front().side;
    fleet_.regions()[fleet_.region_of(sides_.at(side).host)].free_sides.push_back(side);
    resting_.pop_front();
  }
  for (Region& region : fleet_.regions()) {
    for (const SideIndex side_index : region.finished) {
      Side& side = sides_.at(side_index);
      const Side& remote = sides_.at(other_side(side_index));
      side.finished = true;
      if (remote.finished) {
        const Instant last = std::max({clock_.horizon, side.last_arrival, remote.last_arrival});
        resting_.push_back(
            {last + 3 * options_.latency, std::min(side_index, other_side(side_index))});
      }
    }
    region.finished.clear();
  }
}

}  // namespace murder::sim
