#include "engine/swarm/rack_shares.h"

#include "engine/base/ensure.h"

#include <vector>

namespace murder::swarm {

using codec::GrantKind;

namespace {

// A rack takes in one copy, so on average one leaves it. One that gives much more is done later
// than the others: 25 simulated racks of 40 at 1.19 times the floor without a limit, at 1.10 with
// two copies, 1.09 with one and a half or one.
constexpr double copies_outside = 1.5;
constexpr double pieces_outside_at_first = 2;

}  // namespace

RackShares::RackShares(Context& context)
    : config_(context.config),
      sink_(context.sink),
      sessions_(context.sessions),
      pieces_(context.pieces),
      active_(context.active),
      claims_(pieces_.count(), config_.sessions_max,
              !config_.rack.empty() && config_.policy == SwarmPolicy::grant) {}

void RackShares::rack_told() {
  claims_ = RackClaims(pieces_.count(), config_.sessions_max, true);
}

bool RackShares::gives_outside_enough() const {
  if (claims_.mate_count() == 0) {
    return false;
  }
  const double part = copies_outside * pieces_.have().count() / (claims_.mate_count() + 1);
  return static_cast<double>(outside_bytes_) >
         (part + pieces_outside_at_first) * config_.geometry.piece_bytes;
}

void RackShares::tell_claims(SessionId id, const Session& session) const {
  for (const uint32_t index : active_.used()) {
    if (active_.at({index}).claimed) {
      send(sink_, id, session, GrantKind::claim, active_.at({index}).piece.raw);
    }
  }
}

void RackShares::claim(ActivePiece& active) const {
  ENSURE(!active.claimed);
  active.claimed = true;
  tell_mates(GrantKind::claim, active.piece);
}

void RackShares::unclaim(ActivePiece& active) const {
  if (active.claimed) {
    active.claimed = false;
    tell_mates(GrantKind::unclaim, active.piece);
  }
}

void RackShares::tell_mates(GrantKind kind, PieceIndex piece) const {
  sessions_.each([&](SessionId id, const Session& session) {
    if (session.state == Session::State::open && session.grants.rack_mate) {
      send(sink_, id, session, kind, piece.raw);
    }
  });
}

void RackShares::cover(SessionId id, Session& session) {
  ENSURE(claims_.active() && !session.grants.covers_rack);
  session.grants.covers_rack = true;
  claims_.mate_joined();
  session.pieces.for_each([&](uint32_t piece) { claims_.mate_has({piece}, id.slot); });
}

// When two fetch the same piece, the one with the larger peer id goes on.
bool RackShares::mate_claims(SessionId id, const Session& session, uint32_t piece, Instant now) {
  return session.grants.covers_rack && piece < pieces_.count() &&
         claims_.claim({piece}, id.slot, now) && config_.peer_id <= session.peer_id &&
         pieces_.state({piece}) == PieceTable::State::active;
}

bool RackShares::mate_unclaims(SessionId id, const Session& session, uint32_t piece) {
  return session.grants.rack_mate && piece < pieces_.count() && claims_.unclaim({piece}, id.slot);
}

std::string_view RackShares::check() const {
  if (!claims_.active()) {
    return {};
  }
  uint32_t mate_count = 0;
  std::vector<uint32_t> holders(pieces_.have().size(), 0);
  for (const SessionId id : sessions_.by_slot()) {
    const Session* session = sessions_.get(id);
    if (session == nullptr || session->state != Session::State::open ||
        !session->grants.covers_rack) {
      continue;
    }
    ++mate_count;
    session->pieces.for_each([&](uint32_t piece) { ++holders[piece]; });
  }
  if (mate_count != claims_.mate_count()) {
    return "the number of rack mates is not what a recount gives";
  }
  for (uint32_t piece = 0; piece < pieces_.have().size(); ++piece) {
    if (holders[piece] != claims_.holders({piece}) ||
        (holders[piece] > 0 && !claims_.covers({piece}))) {
      return "who in the rack has a piece is not what a recount gives";
    }
  }
  return {};
}

}  // namespace murder::swarm
