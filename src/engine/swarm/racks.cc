// What a rack fetches from outside crosses its uplink once.
#include <algorithm>

#include "engine/swarm/swarm.h"

namespace murder::swarm {

using codec::GrantKind;

namespace {

// A claim of which nothing came is void.
constexpr Duration claim_patience = std::chrono::seconds(2);
// A rack takes in one copy, so on average one leaves it. One that gives much more is done later
// than the others: 25 simulated racks of 40 at 1.19 times the floor without a limit, at 1.10 with
// two copies, 1.09 with one and a half or one.
constexpr double copies_outside = 1.5;
constexpr double pieces_outside_at_first = 2;

}  // namespace

bool Swarm::is_outside(const Session& session) const {
  return rack_.active() && !session.grants.rack_mate;
}

// Others had this host's part of what its rack should give.
bool Swarm::gives_outside_enough() const {
  if (rack_.mate_count() == 0 || first_copies_.active()) {
    return false;
  }
  const double part = copies_outside * have_.count() / (rack_.mate_count() + 1);
  return static_cast<double>(outside_bytes_) >
         (part + pieces_outside_at_first) * config_.geometry.piece_bytes;
}

void Swarm::rack_told(std::string_view rack) {
  if (!config_.rack.empty() || config_.policy != SwarmPolicy::grant) {
    return;
  }
  config_.rack = rack;
  rack_ = RackClaims(have_.size(), config_.sessions_max, true);
  sessions_.each([&](SessionId id, Session& session) { update_grantable(id, session); });
}

void Swarm::tell_claims(SessionId id, const Session& session) {
  for (const uint32_t index : active_.used()) {
    if (active_.at({index}).claimed) {
      say(id, session, GrantKind::claim, active_.at({index}).piece.raw);
    }
  }
}

void Swarm::cover_rack(SessionId id, Session& session) {
  session.grants.covers_rack = true;
  rack_.mate_joined();
  session.pieces.for_each([&](uint32_t piece) { rack_.mate_has({piece}, id.slot); });
}

// A mate that is gone, or gives nothing: what it has may be fetched from outside. Before its pieces
// are forgotten.
void Swarm::uncover_rack(SessionId id, Session& session) {
  if (!session.grants.covers_rack) {
    return;
  }
  session.grants.covers_rack = false;
  rack_.mate_left();
  session.pieces.for_each([&](uint32_t piece) {
    rack_.mate_lost({piece});
    if (!rack_.covers({piece}) && !have_.test(piece)) {
      offer_slot_for({piece});
    }
  });
  rack_.drop(id.slot, [&](PieceIndex piece) { offer_slot_for(piece); });
}

void Swarm::tell_rack(GrantKind kind, PieceIndex piece) {
  sessions_.each([&](SessionId id, const Session& session) {
    if (session.state == Session::State::open && session.grants.rack_mate) {
      say(id, session, kind, piece.raw);
    }
  });
}

void Swarm::claim(ActivePiece& active) {
  active.claimed = true;
  tell_rack(GrantKind::claim, active.piece);
}

void Swarm::unclaim(ActivePiece& active) {
  if (active.claimed) {
    active.claimed = false;
    tell_rack(GrantKind::unclaim, active.piece);
  }
}

// When two fetch the same piece, the one with the larger peer id goes on.
void Swarm::on_claim(SessionId id, const Session& session, uint32_t piece, Instant now) {
  if (!session.grants.covers_rack || piece >= have_.size() || is_slow(session) ||
      !rack_.claim({piece}, id.slot, now)) {
    return;
  }
  if (config_.peer_id > session.peer_id || piece_states_[piece] != PieceState::active) {
    return;
  }
  for (uint32_t index = 0; index < active_.buffer_count(); ++index) {
    ActivePiece& active = active_.at({index});
    const bool mine = active.piece.raw == piece && active.claimed && !active.ending &&
                      active.state == ActivePiece::State::receiving;
    if (mine) {
      active.claimed = false;  // the mates know the other's claim
      give_up({index});
      make_missing_unless_active({piece});
    }
  }
  update_free(now);
}

void Swarm::on_unclaim(SessionId id, const Session& session, uint32_t piece) {
  if (session.grants.rack_mate && piece < have_.size() && rack_.unclaim({piece}, id.slot)) {
    offer_slot_for({piece});
  }
}

void Swarm::check_claims(Instant now) {
  if (rack_.active()) {
    const Duration patience = std::max(claim_patience, 8 * link_.piece_duration());
    rack_.expire(patience, now, [&](PieceIndex piece) { offer_slot_for(piece); });
    doubt_mates(patience, now);
  }
}

// Nothing came of anybody for a while, though we are free: mates that have what we lack may be gone
// without a word.
void Swarm::doubt_mates(Duration patience, Instant now) {
  Instant newest{};
  sessions_.each(
      [&](SessionId, const Session& session) { newest = std::max(newest, session.payload_at); });
  if (!free_ || !active_.used().empty() || now - newest < patience) {
    return;
  }
  sessions_.each([&](SessionId id, Session& session) {
    if (session.useful_count > 0) {
      uncover_rack(id, session);
    }
  });
}

}  // namespace murder::swarm
