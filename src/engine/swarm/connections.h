// Whom a swarm is connected to: who is dialled, who may come in and who makes way for it, and what
// is remembered of an address when a session is over. Owned by the swarm, which ends what it names;
// bounded by limits::candidates_max and what is said at its members.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/policy/candidates.h"
#include "engine/policy/neighbour_worth.h"
#include "engine/swarm/context.h"

namespace murder::swarm {

class Connections {
 public:
  explicit Connections(Context& context);

  // A tracker named these hosts.
  void named(std::span<const Endpoint> endpoints);
  // Dials as many as it takes to have enough neighbours.
  void dial_more(Instant now);

  // --- who comes in ---
  [[nodiscard]] bool is_barred(const IpAddress& address) const {
    return addresses_.is_barred(address);
  }
  // Too many at this address exchanged nothing: one has to make way.
  [[nodiscard]] bool is_crowded(const IpAddress& address, Instant now) const;
  [[nodiscard]] bool is_nearly_full() const;
  // The session that is worth least, of this address (of those that came and exchanged nothing) or
  // of all; none when none may go.
  [[nodiscard]] SessionId least_worth(const IpAddress* address, Instant now) const;
  // In a closed swarm, of those that came and proved nothing yet, when there are too many of them:
  // the one that is there longest, which makes way for a newcomer. None: there is room.
  [[nodiscard]] SessionId oldest_unproven() const;
  // None: no room.
  [[nodiscard]] SessionId accept(const Endpoint& remote, Instant now);

  // --- who it is ---
  struct Verdict {
    std::optional<CloseReason> refusal;
    SessionId makes_way;  // an older session with the same peer
  };
  [[nodiscard]] Verdict judge(SessionId id, const Session& session,
                              const codec::Handshake& handshake);
  // Where it can be dialled. It is connected, so it need not be dialled as well.
  void learn_listening(Session& session, const Endpoint& endpoint);

  // --- what is remembered ---
  // The session is over; `nothing_to_exchange`: both sides have everything.
  void remember_end(const Session& session, bool nothing_to_exchange, Instant now);
  // It sent wrong data.
  void bar(const Contributor& culprit, Instant now);

  // Open sessions that something was exchanged with, and young ones.
  [[nodiscard]] uint32_t neighbour_count(Instant now) const { return counts(now).open; }
  // Which rule that must hold does not; empty when all do.
  [[nodiscard]] std::string_view check() const;

 private:
  struct Counts {
    uint32_t all = 0;
    uint32_t outgoing = 0;
    uint32_t dialing = 0;  // lately
    uint32_t open = 0;
  };
  [[nodiscard]] Counts counts(Instant now) const;
  [[nodiscard]] uint32_t to_dial() const;
  [[nodiscard]] policy::NeighbourFacts facts_of(const Session& session, Instant now) const;
  [[nodiscard]] uint32_t idle_count_at(const IpAddress& address, Instant now) const;
  [[nodiscard]] SessionId make(const Endpoint& remote, bool outgoing, bool named, Instant now);
  [[nodiscard]] std::optional<SessionId> twin_of(SessionId id, const Session& session,
                                                 const PeerId& peer_id) const;
  [[nodiscard]] bool is_connected(const Endpoint& endpoint) const;

  const SwarmConfig& config_;
  EffectSink& sink_;
  Prng& prng_;
  SessionTable& sessions_;
  policy::AddressBook& addresses_;

  policy::Candidates candidates_;
  std::vector<std::pair<IpAddress, PeerId>> culprits_;  // refused when they come back
};

}  // namespace murder::swarm
