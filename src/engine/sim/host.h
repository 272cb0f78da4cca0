// One simulated host: a swarm, its announcer, what waits to happen to it, and the sink that turns
// the swarm's effects into events. Owned by the simulation, which outlives it; one thread at a time
// advances it, and touches nothing of another host. It lives from the start of the run and takes
// part from `join` to its end (`leave`, `die`), after which its events are ignored.
#pragma once

#include <memory>
#include <vector>

#include "engine/base/bit_set.h"
#include "engine/base/prng.h"
#include "engine/sim/agenda.h"
#include "engine/sim/options.h"
#include "engine/sim/transfers.h"
#include "engine/swarm/announcer.h"
#include "engine/swarm/swarm.h"

namespace murder::sim {

class Simulation;
struct Region;

inline constexpr uint32_t seeder_index = 0;

class Host final : public swarm::EffectSink {
 public:
  enum class State : uint8_t { absent, alive, dead };

  Host(Simulation& simulation, uint32_t index, Prng prng);

  void dial(swarm::SessionId session, const Endpoint& endpoint) override;
  void send_handshake(swarm::SessionId session, const codec::Handshake& handshake) override;
  void send(swarm::SessionId session, const codec::PeerMessage& message) override;
  void send_block(swarm::SessionId session, const BlockRange& block) override;
  void disarm(swarm::SessionId session) override;
  void close(swarm::SessionId session, swarm::CloseReason reason) override;
  void verify(BufferIndex buffer, PieceIndex piece) override;
  void store(BufferIndex buffer, PieceIndex piece) override;
  void request_lease(PieceIndex piece) override;
  void return_lease(PieceIndex piece) override;
  void lease_fulfilled(PieceIndex piece) override;
  void completed() override;

  [[nodiscard]] SideIndex side(swarm::SessionId session) const {
    return session.slot < sides.size() ? sides[session.slot] : no_side;
  }
  [[nodiscard]] bool is_alive() const { return state == State::alive; }
  // What others may ask, at any time: it does not depend on how far this host is.
  [[nodiscard]] bool is_alive_at(Instant when) const { return joins_at <= when && when < dies_at; }
  [[nodiscard]] bool is_silent_at(Instant when) const { return dies_silently && dies_at <= when; }

  Simulation& simulation;
  Region* region = nullptr;
  const uint32_t index;
  Instant now{};  // of what happens to it
  Agenda agenda;
  Instant joins_at = instant_never;
  Instant dies_at = instant_never;
  State state = State::absent;
  bool is_slow = false;
  bool dies_silently = false;
  bool has_left = false;  // it is a seeder that was told to stop

  PeerId peer_id;
  Prng prng;
  std::unique_ptr<swarm::Swarm> swarm;  // none before it joined
  swarm::Announcer announcer;
  std::vector<SideIndex> sides;  // by session slot

  uint32_t link_up = 0;
  uint32_t link_down = 0;
  uint32_t rack = no_rack;
  double hash_rate = 0;
  double disk_rate = 0;
  Instant hash_free_at{};
  Instant disk_free_at{};
  Instant announcer_due_at = instant_never;  // the earliest of its timers that are out

  // --- what became of it ---
  BitSet stored;
  BitSet verified;  // served, and soon stored
  Instant joined_at{};
  Instant progressed_at{};
  Instant done_at = instant_never;
  Duration longest_wait{};      // between two pieces, or before the first
  uint64_t wanted_bytes = 0;    // payload that came in whole blocks and had a place
  uint64_t unwanted_bytes = 0;  // payload without one
  uint64_t outside_bytes = 0;   // payload that came from another rack
};

}  // namespace murder::sim
