#include "engine/swarm/granted_pieces.h"

#include <algorithm>
#include <bit>

#include "engine/base/ensure.h"
#include "engine/policy/late_piece.h"
#include "engine/swarm/adoption.h"
#include "engine/swarm/bounds.h"

namespace murder::swarm {

using codec::any_piece;
using codec::GrantKind;

namespace {

constexpr uint32_t granted_blocks_per_piece = 8;
constexpr uint32_t granted_block_bytes_min = 32 * 1024;
// Smaller pieces are asked for in blocks of twice that.
constexpr uint32_t small_piece_bytes = 128 * 1024;

constexpr uint32_t extra_slots_until = 4;  // in all, where more than usual are open

}  // namespace

GrantedPieces::GrantedPieces(Context& context, const LinkRates& rates, const RackShares& rack)
    : config_(context.config),
      sink_(context.sink),
      stopping_(context.stopping),
      sessions_(context.sessions),
      pieces_(context.pieces),
      active_(context.active),
      rates_(rates),
      rack_(rack),
      extra_slots_(extra_slots_until, false) {
  free_ = has_slot({});
}

// --- free and busy -------------------------------------------------------------------------------

uint32_t GrantedPieces::slots() const {
  return extra_slots_.slots_in_all(rates_.link().slot_count());
}

// --- free and busy -------------------------------------------------------------------------------

bool GrantedPieces::has_slot(Instant now) const {
  if (config_.policy != SwarmPolicy::grant || stopping_ || pieces_.have().all() ||
      open_count_ >= slots()) {
    return false;
  }
  if (active_.idle_count() > 0 && pieces_.picker().wanted_count() > 0) {
    return true;
  }
  const std::span<const uint32_t> used = active_.used();
  return std::any_of(used.begin(), used.end(), [&](uint32_t index) {
    const ActivePiece& active = active_.at({index});
    const bool orphan = active.state == ActivePiece::State::receiving && active.owner.is_none() &&
                        active.missing_count > 0;
    return orphan || (active_.idle_count() > 0 && is_late(active, now) &&
                      !active_.has_other(active.piece, {index}));
  });
}

// It has a piece that is half there and belongs to nobody.
bool GrantedPieces::could_adopt(const Session& session) const {
  const std::span<const uint32_t> used = active_.used();
  return std::any_of(used.begin(), used.end(), [&](uint32_t index) {
    const ActivePiece& active = active_.at({index});
    return may_adopt(active, session) && !(rack_.covers_from(session, active.piece));
  });
}

// All it has is had, pending, or covered by the rack: we would decline its grants. When that
// changes it is told by who changes it (on_have, offer_slot_for), at the latest at a tick.
bool GrantedPieces::offers_nothing(const Session& session) const {
  if (could_adopt(session)) {
    return false;
  }
  if (rack_.is_outside(session)) {
    return !pieces_.picker().pick(session.pieces, rack_.covered());
  }
  // With nothing wanted it may help with what is late.
  return pieces_.picker().wanted_count() > 0 && !pieces_.picker().wants_any(session.pieces);
}

void GrantedPieces::update_free(Instant now) {
  const bool free = has_slot(now);
  if (free == free_) {
    return;
  }
  free_ = free;
  if (pieces_.have().all()) {
    return;  // told by what we have
  }
  sessions_.each([&](SessionId id, Session& session) {
    if (session.state != Session::State::open || !session.grants.in_use) {
      return;
    }
    if (free && !offers_nothing(session)) {
      tell_free(id, session);
    } else if (!free && session.grants.told_free) {
      session.grants.told_free = false;
      send(sink_, id, session, GrantKind::busy, 0);
    }
  });
}

void GrantedPieces::update_told(SessionId id, Session& session) {
  if (session.grants.told_free && !free_) {
    session.grants.told_free = false;
    send(sink_, id, session, GrantKind::busy, 0);
  } else if (!session.grants.told_free && free_) {
    tell_free(id, session);
  }
}

void GrantedPieces::tell_free(SessionId id, Session& session) {
  ENSURE(free_ && session.grants.in_use);
  if (!session.grants.told_free) {
    session.grants.told_free = true;
    session.grants.declined_since_free = 0;
    send(sink_, id, session, GrantKind::free,
         static_cast<uint32_t>(
             std::min<double>(rates_.link().bytes_per_second() / bytes_per_kib, UINT32_MAX)));
  }
}

void GrantedPieces::tell_free_if_useful(SessionId id, Session& session) {
  if (free_ && session.state == Session::State::open && session.grants.in_use &&
      !offers_nothing(session)) {
    tell_free(id, session);
  }
}

bool GrantedPieces::tell_free_for(SessionId id, Session& session, PieceIndex piece) {
  if (!free_ || session.grants.told_free) {
    return false;
  }
  const bool wanted = pieces_.picker().is_wanted(piece) && !rack_.covers_from(session, piece);
  if (!wanted && !could_adopt(session)) {
    return false;
  }
  tell_free(id, session);
  return true;
}

void GrantedPieces::offer_slot_for(PieceIndex piece) {
  if (!free_) {
    return;  // all hear of it when we are
  }
  sessions_.each([&](SessionId id, Session& session) {
    if (session.state == Session::State::open && session.grants.in_use &&
        session.pieces.test(piece.raw) && !(rack_.covers_from(session, piece))) {
      tell_free(id, session);
    }
  });
}

void GrantedPieces::offer_slot_again(Instant now) {
  if (!free_) {
    return;
  }
  sessions_.each([&](SessionId id, Session& session) {
    if (session.state == Session::State::open && session.grants.in_use &&
        !session.grants.told_free && (!session.snubbed || now >= session.snubbed_until) &&
        (pick(session, any_piece) || could_adopt(session))) {
      tell_free(id, session);
    }
  });
  if (pieces_.picker().wanted_count() > 0) {
    return;
  }
  for (const uint32_t index : active_.used()) {
    const ActivePiece& active = active_.at({index});
    if (is_late(active, now) && !active_.has_other(active.piece, {index})) {
      offer_slot_for(active.piece);
    }
  }
}

// --- a grant -------------------------------------------------------------------------------------

// What another left half done first, then the rarest, then what is late.
PieceChoice GrantedPieces::choose(SessionId id, const Session& session, uint32_t piece,
                                  Instant now) const {
  for (const uint32_t index : active_.used()) {
    const ActivePiece& active = active_.at({index});
    if ((piece == any_piece || piece == active.piece.raw) && may_adopt(active, session) &&
        !rack_.covers_from(session, active.piece)) {
      return {.kind = PieceChoice::Kind::adopt, .buffer = {index}};
    }
  }
  if (active_.idle_count() == 0) {
    return {};
  }
  if (const auto picked = pick(session, piece)) {
    return {.kind = PieceChoice::Kind::start, .piece = *picked};
  }
  if (const auto late = find_late(id, session, piece, now)) {
    return {.kind = PieceChoice::Kind::duplicate, .buffer = *late};
  }
  return {};
}

std::optional<PieceIndex> GrantedPieces::pick(const Session& session, uint32_t piece) const {
  const bool outside = rack_.is_outside(session);
  if (outside && rates_.own_link_is_slow() && rack_.mate_count() > 0) {
    return std::nullopt;  // a mate fetches it faster
  }
  if (piece == any_piece) {
    return outside ? pieces_.picker().pick(session.pieces, rack_.covered())
                   : pieces_.picker().pick(session.pieces);
  }
  const bool wanted = piece < pieces_.have().size() && pieces_.picker().is_wanted({piece}) &&
                      session.pieces.test(piece) && !(outside && rack_.covers({piece}));
  return wanted ? std::optional(PieceIndex{piece}) : std::nullopt;
}

void GrantedPieces::decline(SessionId id, Session& session, uint32_t piece) {
  session.grants.told_free = false;
  send(sink_, id, session, GrantKind::decline, piece);
  // Not this one, but another.
  if (free_ && piece != any_piece && pick(session, any_piece)) {
    tell_free(id, session);
  }
}

void GrantedPieces::begin(ActivePiece& active, bool on_trial, uint32_t moved, Instant now) {
  ENSURE(!active.granted && !active.owner.is_none());
  active.granted = true;
  active.ending = false;
  active.slotless = on_trial;
  active.solo = active.solo || on_trial;
  active.granted_at = now;
  active.granted_units = active.received_count();
  active.moved_when_granted = moved;
  active.tail_units =
      active.unit_count == 1
          ? 0
          : (rates_.link().tail_bytes(active.size_bytes) + unit_bytes - 1) / unit_bytes;
  open_count_ += active.slotless ? 0U : 1U;
}

// Everything is pending, and this will take long.
bool GrantedPieces::is_late(const ActivePiece& active, Instant now) const {
  return pieces_.picker().wanted_count() == 0 && active.state == ActivePiece::State::receiving &&
         policy::is_late({.elapsed = now - active.started_at,
                          .usual = rates_.link().piece_duration(),
                          .unit_count = active.unit_count,
                          .received_count = active.received_count()});
}

std::optional<BufferIndex> GrantedPieces::find_late(SessionId id, const Session& session,
                                                    uint32_t piece, Instant now) const {
  for (const uint32_t index : active_.used()) {
    const ActivePiece& active = active_.at({index});
    // What is asked of this session would not come sooner a second time.
    const bool own = active.owner == id && session.requested_bytes > 0;
    if ((piece == any_piece || piece == active.piece.raw) && !own &&
        session.pieces.test(active.piece.raw) && is_late(active, now) &&
        !active_.has_other(active.piece, {index})) {
      return BufferIndex{index};
    }
  }
  return std::nullopt;
}

// --- a granted piece on its way ------------------------------------------------------------------

// Of a granted piece is asked for what keeps the link busy and no more. What is under way stands in
// a queue before the narrowest link, and so does everything that others have to say to us.
bool GrantedPieces::may_ask(const ActivePiece& active, SessionId id, const Session& session,
                            uint32_t window_bytes) const {
  return active.owner == id && active.state == ActivePiece::State::receiving &&
         active.missing_count > 0 && session.has_room_for_request() &&
         active.requested_count * unit_bytes < window_bytes;
}

// What is left of a piece is known in blocks: larger ones tell too late that it is about to end.
// 16 simulated hosts, 128 MiB in 512 pieces: last host at 1.24 times the floor with one block for a
// piece, 1.10 with two, 1.045 with four, 1.041 with sixteen.
uint32_t GrantedPieces::block_bytes(const ActivePiece& active, const Session& session) {
  const uint32_t wanted = std::bit_floor(active.size_bytes) / granted_blocks_per_piece;
  const uint32_t least =
      active.size_bytes < small_piece_bytes ? 2 * granted_block_bytes_min : granted_block_bytes_min;
  return std::min(session.block_bytes, std::max(wanted, least));
}

bool GrantedPieces::progressed(ActivePiece& active) {
  const bool ends = active.missing_count == 0 && active.requested_count <= active.tail_units;
  if (!active.granted || active.ending || !ends) {
    return false;
  }
  const Session* owner = sessions_.get(active.owner);
  ENSURE(owner != nullptr && (active.slotless || open_count_ > 0));
  active.ending = true;
  open_count_ -= active.slotless ? 0U : 1U;
  send(sink_, active.owner, *owner, GrantKind::ending, active.piece.raw);
  return true;
}

void GrantedPieces::lose_slot(ActivePiece& active) {
  ENSURE(active.granted && !active.ending && !active.slotless && open_count_ > 0);
  active.slotless = true;
  --open_count_;
}

void GrantedPieces::whole() {
  uint32_t receiving_count = 0;
  for (const uint32_t index : active_.used()) {
    const ActivePiece& active = active_.at({index});
    receiving_count += active.granted && active.state == ActivePiece::State::receiving ? 1U : 0U;
  }
  slots_idled_ = slots_idled_ || receiving_count < slots();
}

void GrantedPieces::end(ActivePiece& active) {
  if (active.granted && !active.ending && !active.slotless) {
    ENSURE(open_count_ > 0);
    --open_count_;
  }
  active.granted = false;
  active.ending = false;
  active.slotless = false;
}

void GrantedPieces::window_ended() {
  extra_slots_.window_ended({.rate = rates_.link().download_rate(),
                             .link_rate = rates_.link().bytes_per_second(),
                             .slots = rates_.link().slot_count(),
                             .all_taken = !slots_idled_});
  slots_idled_ = false;
}

}  // namespace murder::swarm
