// The connections between simulated hosts, as their kernels would have them: how they begin and end
// (transport.cc), and what is sent on them (traffic.cc). Each function is called by the thread that
// advances the host it is given, and touches that host's end only; what is for the other end goes
// into the host's region.
#pragma once

#include <deque>

#include "engine/codec/peer_wire.h"
#include "engine/sim/clock.h"
#include "engine/sim/fleet.h"
#include "engine/sim/options.h"
#include "engine/sim/transfers.h"

namespace murder::sim {

class Connections {
 public:
  // What it is given outlives it.
  Connections(const Options& options, const Clock& clock, Fleet& fleet, Sides& sides)
      : options_(options), clock_(clock), fleet_(fleet), sides_(sides) {}

  // --- what a host's swarm orders ---
  void dial(Host& host, swarm::SessionId session, const Endpoint& endpoint);
  void send_handshake(Host& host, swarm::SessionId session);
  void send(Host& host, swarm::SessionId session, const codec::PeerMessage& message);
  void send_block(Host& host, swarm::SessionId session, const BlockRange& block);
  void disarm(Host& host, swarm::SessionId session);
  void close(Host& host, swarm::SessionId session);

  // --- what happens to a host's end ---
  // The event is one of a side (is_of_side) and not a block that was sent.
  void handle(Host& host, const Event& event);
  // Whether the host heard of it: it lives, and the connection is open.
  bool block_sent(Host& host, const Event& event);
  // The kernel of a process that died resets its connections; a machine that lost power says
  // nothing.
  void host_died(Host& host);
  // One of those that are open, if there is one.
  void reset_one(Host& host);

  // Between windows: connections that are over at both ends can be made anew, once nothing of them
  // is under way.
  void recycle();

 private:
  // --- beginnings and ends (transport.cc) ---
  void dialed(Host& host, SideIndex side_index);
  void accepted(Host& host, SideIndex side_index);
  static void note_swarm(const Host& host, Side& side);
  void closed(Host& host, SideIndex side_index);
  void remote_end(Host& host, SideIndex side_index, swarm::CloseReason reason);
  void break_off(Host& host, SideIndex side_index, swarm::CloseReason reason);
  void order(Host& host, SideIndex side_index, WireOrder::Kind kind);
  void finish(Host& host, SideIndex side_index);

  // --- messages and blocks (traffic.cc) ---
  void say(Host& host, SideIndex side_index, Event event);
  void hear(Host& host, const Event& event);
  void hear_handshake(Host& host, SideIndex side_index);
  void payload_begins(Host& host, const Event& event);
  void payload_ends(Host& host, SideIndex side_index);
  void count_into_rack(Host& host, const Side& receiver);
  void disarmed(Host& host, SideIndex side_index);
  [[nodiscard]] bool takes_part(const Host& host, SideIndex side_index) const {
    return sides_.at(side_index).state == Side::State::open && host.is_alive();
  }

  const Options& options_;
  const Clock& clock_;
  Fleet& fleet_;
  Sides& sides_;
  struct Resting {
    Instant until;
    SideIndex side;
  };
  std::deque<Resting> resting_;  // connections that are over, until nothing of them is under way
};

}  // namespace murder::sim
