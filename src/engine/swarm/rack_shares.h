// This host's share in what its rack fetches from outside, which is to cross the rack's uplink
// once: which neighbours are mates, what they cover, and what we claim. Owned by the swarm;
// nothing allocates after construction, but when the rack is told late.
#pragma once

#include <cstdint>
#include <string_view>

#include "engine/swarm/context.h"
#include "engine/swarm/rack_claims.h"

namespace murder::swarm {

class RackShares {
 public:
  explicit RackShares(Context& context);

  // Of a host that did not know its rack.
  void rack_told();

  // No rack is known, or a session is of another one.
  [[nodiscard]] bool active() const { return claims_.active(); }
  [[nodiscard]] bool is_outside(const Session& session) const {
    return claims_.active() && !session.grants.rack_mate;
  }
  [[nodiscard]] bool is_mate(const Session& session, std::string_view rack) const {
    return claims_.active() && session.grants.knows_rack && rack == config_.rack;
  }
  // What mates have or fetch from outside.
  [[nodiscard]] bool covers(PieceIndex piece) const { return claims_.covers(piece); }
  [[nodiscard]] const BitSet& covered() const { return claims_.covered(); }
  // It is not to be fetched from this session.
  [[nodiscard]] bool covers_from(const Session& session, PieceIndex piece) const {
    return is_outside(session) && claims_.covers(piece);
  }
  [[nodiscard]] uint32_t mate_count() const { return claims_.mate_count(); }

  // --- what we say ---
  // All that we claim, to a mate that is new.
  void tell_claims(SessionId id, const Session& session) const;
  void claim(ActivePiece& active) const;
  void unclaim(ActivePiece& active) const;

  // --- what mates have, say and do ---
  void cover(SessionId id, Session& session);
  // A mate that is gone, or gives nothing: what it has may be fetched from outside. Before its
  // pieces are forgotten. Calls freed(piece) for each that nobody covers any more.
  template <typename Freed>
  void uncover(SessionId id, Session& session, Freed&& freed) {
    if (!session.grants.covers_rack) {
      return;
    }
    session.grants.covers_rack = false;
    claims_.mate_left();
    session.pieces.for_each([&](uint32_t piece) {
      claims_.mate_lost({piece});
      if (!claims_.covers({piece}) && !pieces_.have().test(piece)) {
        freed(PieceIndex{piece});
      }
    });
    claims_.drop(id.slot, freed);
  }
  void mate_has(SessionId id, const Session& session, PieceIndex piece) {
    if (session.grants.covers_rack) {
      claims_.mate_has(piece, id.slot);
    }
  }
  // A mate says that it fetches the piece. True: we fetch it too and are to leave it to the mate.
  [[nodiscard]] bool mate_claims(SessionId id, const Session& session, uint32_t piece, Instant now);
  // True: nobody covers it any more.
  [[nodiscard]] bool mate_unclaims(SessionId id, const Session& session, uint32_t piece);
  // Claims of which nothing came are void. Calls freed(piece) as uncover() does.
  template <typename Freed>
  void expire(Duration patience, Instant now, Freed&& freed) {
    claims_.expire(patience, now, freed);
  }

  // --- what we give to other racks ---
  void sent(const Session& session, uint32_t size_bytes) {
    outside_bytes_ += is_outside(session) ? size_bytes : 0;
  }
  // Others had this host's part of what its rack should give.
  [[nodiscard]] bool gives_outside_enough() const;

  // Which rule that must hold does not; empty when all do. Slow.
  [[nodiscard]] std::string_view check() const;

 private:
  void tell_mates(codec::GrantKind kind, PieceIndex piece) const;

  const SwarmConfig& config_;
  EffectSink& sink_;
  SessionTable& sessions_;
  const PieceTable& pieces_;
  const ActivePieces& active_;

  RackClaims claims_;
  uint64_t outside_bytes_ = 0;  // sent to other racks
};

}  // namespace murder::swarm
