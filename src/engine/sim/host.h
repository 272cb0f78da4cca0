// One simulated host: a swarm, its announcer, its core and its disk, and what waits to happen to
// it. Owned by the fleet. One thread at a time advances it and touches nothing of another host;
// what it has for others goes into its region. It exists from the start of the run and takes part
// from `join` until it leaves or dies, after which its events are ignored.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/bit_set.h"
#include "engine/base/prng.h"
#include "engine/sim/agenda.h"
#include "engine/sim/options.h"
#include "engine/sim/transfers.h"
#include "engine/swarm/announcer.h"
#include "engine/swarm/swarm.h"

namespace murder::sim {

struct AnnounceTalk;
struct Region;

inline constexpr uint32_t seeder_index = 0;

class Host {
 public:
  enum class State : uint8_t { absent, alive, dead };

  // The options outlive it.
  Host(const Options& options, uint32_t index, Prng prng);

  void push(Instant when, EventKind kind, uint32_t target = 0) {
    Event event;
    event.when = when;
    event.kind = kind;
    event.target = target;
    agenda.push(event);
  }

  // Takes part from now on, unless it died before. The sink outlives the host.
  void join(swarm::EffectSink& sink);
  void tick();
  // Leaves when it has given as many copies as Options::seeder_leaves says.
  void leave_if_given();

  // What a host has besides the network: a core that hashes, a disk, and a tracker to ask.
  void verify(BufferIndex buffer, PieceIndex piece);
  void store(BufferIndex buffer, PieceIndex piece);
  void stored_piece(BufferIndex buffer);
  void completed();
  void pump_announcer();
  void announce_heard(const AnnounceTalk& heard);

  // Remembers the first breach of a rule in the region.
  void note_fault(std::string_view what) const;
  // Checks the swarm's invariants, at every Options::check_every'th event of the region.
  void check() const {
    if (options_.check_every > 0) {
      count_to_check();
    }
  }

  [[nodiscard]] SideIndex side(swarm::SessionId session) const {
    return session.slot < sides.size() ? sides[session.slot] : no_side;
  }
  [[nodiscard]] bool is_alive() const { return state == State::alive; }
  // What others may ask, at any time: it does not depend on how far this host is.
  [[nodiscard]] bool is_alive_at(Instant when) const { return joins_at <= when && when < dies_at; }
  [[nodiscard]] bool is_silent_at(Instant when) const { return dies_silently && dies_at <= when; }

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

 private:
  [[nodiscard]] swarm::SwarmConfig config() const;
  [[nodiscard]] std::string rack_name() const;
  void count_to_check() const;

  const Options& options_;
};

}  // namespace murder::sim
