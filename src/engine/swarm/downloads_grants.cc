// Pieces that our own peers grant, and what a rack shares out.
#include <algorithm>

#include "engine/base/ensure.h"
#include "engine/swarm/bounds.h"
#include "engine/swarm/downloads.h"

namespace murder::swarm {

namespace {

constexpr Duration slow_pause = std::chrono::seconds(1);
// A claim of which nothing came is void.
constexpr Duration claim_patience = std::chrono::seconds(2);

}  // namespace

void Downloads::becomes_own(SessionId id, Session& session, std::string_view rack) {
  session.grants.rack_mate = rack_.is_mate(session, rack);
  if (session.grants.rack_mate) {
    rack_.tell_claims(id, session);
    rack_.cover(id, session);
  }
  granted_.update_told(id, session);  // it was told in our handshake; much may have changed since
}

std::optional<CloseReason> Downloads::on_grant(SessionId id, Session& session, uint32_t piece,
                                               Instant now) {
  if (take_grant(id, session, piece, now)) {
    return std::nullopt;
  }
  if (++session.grants.declined_since_free > limits::grants_declined_since_free_max ||
      ++session.grants.declined_since_payload > limits::grants_declined_since_payload_max) {
    return CloseReason::grant_flood;
  }
  granted_.decline(id, session, piece);
  return std::nullopt;
}

bool Downloads::take_grant(SessionId id, Session& session, uint32_t piece, Instant now) {
  const bool on_trial = sources_.is_on_trial(session, granted_.slots(), now);
  if (!granted_.has_slot(now) || sources_.waits(id, session, now) ||
      !sources_.has_place_for(id, session, on_trial)) {
    return false;
  }
  const PieceChoice choice = granted_.choose(id, session, piece, now);
  if (choice.kind == PieceChoice::Kind::none) {
    return false;
  }
  ActivePiece& active = active_.at(begin(choice, id, session, now));
  granted_.begin(active, on_trial, sources_.pieces_moved(), now);
  if (rack_.is_outside(session)) {
    rack_.claim(active);
  }
  fill_granted(id, session, now);
  update_free(now);
  return true;
}

// A late piece makes room for another; one that will not come is fetched elsewhere, if anybody else
// has it. A block whose payload has begun ties up its place until it is whole, so its connection
// ends.
Downloads::Pace Downloads::check_pace(BufferIndex buffer, Instant now) {
  const policy::PieceVerdict verdict = sources_.judge(buffer, now);
  if (verdict == policy::PieceVerdict::fine) {
    return {};
  }
  ActivePiece& active = active_.at(buffer);
  const SessionId id = active.owner;
  ENSURE(active.granted && sessions_.get(id) != nullptr);
  Session& owner = *sessions_.get(id);
  if (verdict == policy::PieceVerdict::hopeless && sources_.has_alternative_to(id, owner, false)) {
    const bool arrives = owner.arriving && owner.arriving->buffer == buffer;
    grant_failed(id, owner, slow_pause, now);
    return {.too_slow = arrives ? id : SessionId{}};
  }
  if (active.slotless || active.ending || !sources_.may_lose_slot()) {
    return {};
  }
  granted_.lose_slot(active);
  return {.freed = true};
}

// --- racks ---------------------------------------------------------------------------------------

void Downloads::uncover_rack(SessionId id, Session& session) {
  rack_.uncover(id, session, [&](PieceIndex piece) { granted_.offer_slot_for(piece); });
}

void Downloads::on_unclaim(SessionId id, const Session& session, uint32_t piece) {
  if (rack_.mate_unclaims(id, session, piece)) {
    granted_.offer_slot_for({piece});
  }
}

// A mate fetches it: we leave it to the mate, and do not say so, since all know the other's claim.
void Downloads::on_claim(SessionId id, const Session& session, uint32_t piece, Instant now) {
  if (rates_.is_slow(session) || !rack_.mate_claims(id, session, piece, now)) {
    return;
  }
  for (uint32_t index = 0; index < active_.buffer_count(); ++index) {
    ActivePiece& active = active_.at({index});
    const bool mine = active.piece.raw == piece && active.claimed && !active.ending &&
                      active.state == ActivePiece::State::receiving;
    if (mine) {
      active.claimed = false;
      give_up({index});
      make_missing_unless_active({piece});
    }
  }
  update_free(now);
}

void Downloads::check_claims(Instant now) {
  if (rack_.active()) {
    const Duration patience = std::max(claim_patience, 8 * rates_.link().piece_duration());
    rack_.expire(patience, now, [&](PieceIndex piece) { granted_.offer_slot_for(piece); });
    distrust_silent_mates(patience, now);
  }
}

// Nothing came of anybody for a while, though we are free: mates that have what we lack may be gone
// without a word.
void Downloads::distrust_silent_mates(Duration patience, Instant now) {
  Instant newest{};
  sessions_.each(
      [&](SessionId, const Session& session) { newest = std::max(newest, session.payload_at); });
  if (!granted_.is_free() || !active_.used().empty() || now - newest < patience) {
    return;
  }
  sessions_.each([&](SessionId id, Session& session) {
    if (session.useful_count > 0) {
      uncover_rack(id, session);
    }
  });
}

}  // namespace murder::swarm
