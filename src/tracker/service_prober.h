// Dials peers back, so that a tracker tells of those only that are there.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "engine/base/prng.h"
#include "engine/io/operation.h"
#include "engine/io/reactor.h"
#include "engine/io/sockets.h"
#include "engine/io/timers.h"
#include "engine/io/turn_hook.h"
#include "engine/trust/peer_proof.h"
#include "tracker/peer_table.h"
#include "tracker/service_gate.h"

namespace murder::tracker {

// What a prober needs of its table: one that is dialled ended.
class ProbeOwner {
 public:
  virtual void probe_ended(const Proof& proof, bool is_answered) = 0;

 protected:
  ~ProbeOwner() = default;
};

// One dial: a handshake (BEP 3) that is answered with one of the same swarm; of a closed one a
// hello (trust/peer_proof.h) that is answered by the fleet's key. On the thread of its reactor,
// used again and again. States: idle -> connecting -> sending -> receiving -> idle; a timeout
// cancels what is under way.
class Probe {
 public:
  Probe(io::Reactor& reactor, ProbeOwner& owner);
  Probe(const Probe&) = delete;
  Probe& operator=(const Probe&) = delete;

  // It is idle. `keys` are those of a closed fleet, or empty. False when no socket could be had.
  bool begin(const Proof& proof, const PeerId& own_id, const trust::KeyPair& keys);
  void cancel();
  [[nodiscard]] bool is_idle() const { return state_ == State::idle; }
  [[nodiscard]] SourceKey source() const { return proof_.source; }

 private:
  enum class State : uint8_t { idle, connecting, sending, receiving };

  void step_done(io::Operation& operation, int32_t result, uint32_t cqe_flags);
  void timed_out(io::Timer& timer);
  [[nodiscard]] bool prepare(const PeerId& own_id, const trust::KeyPair& keys);
  [[nodiscard]] bool is_right_answer();
  [[nodiscard]] std::span<uint8_t> message();
  void send_more();
  void end(bool is_answered);

  io::Reactor& reactor_;
  ProbeOwner& owner_;
  State state_ = State::idle;
  Proof proof_;
  int fd_ = -1;
  io::SocketAddress address_;
  std::array<uint8_t, trust::frame_bytes> buffer_{};
  trust::SwarmKeys keys_;
  std::optional<trust::PeerProof> peer_proof_;  // of a closed swarm
  size_t done_bytes_ = 0;
  io::Operation operation_;
  io::Timer timer_;
};

// Carries out the proofs that a table wants, at most limits::proofs_at_once_max at a time, of one
// source half of them. Ends with stop(), which turns the reactor until nothing is in flight.
class Prober final : public ProbeOwner {
 public:
  // The gate knows by which keys peers prove themselves.
  Prober(io::Reactor& reactor, PeerTable& table, const Gate& gate, uint64_t random_seed);
  Prober(const Prober&) = delete;
  Prober& operator=(const Prober&) = delete;
  ~Prober();

  // Two operations of the reactor each: a step, and its cancellation.
  static constexpr uint32_t operations_max = 2 * limits::proofs_at_once_max;

  void probe_ended(const Proof& proof, bool is_answered) override;

 private:
  void look(io::TurnHook& hook);
  void start_more(io::Timer& timer);
  [[nodiscard]] uint32_t under_way(SourceKey source) const;

  io::Reactor& reactor_;
  PeerTable& table_;
  Prng prng_;
  const Gate& gate_;
  std::vector<std::unique_ptr<Probe>> probes_;
  uint32_t under_way_count_ = 0;
  bool is_stopping_ = false;
  io::Timer timer_;
  io::TurnHook hook_;
};

}  // namespace murder::tracker
