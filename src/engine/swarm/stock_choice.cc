#include "engine/swarm/stock_choice.h"

#include <algorithm>

#include "engine/base/ensure.h"
#include "engine/swarm/adoption.h"

namespace murder::swarm {

namespace {

// A second copy of a piece is fetched near the end when it would arrive this much earlier.
constexpr double duplicate_gain = 1.5;
constexpr Duration duplicate_patience = std::chrono::milliseconds(300);
// How long a whole piece takes from a peer of which nothing is known.
constexpr double unknown_rate_seconds = 0.5;

}  // namespace

StockChoice::StockChoice(const Context& context)
    : sessions_(context.sessions), pieces_(context.pieces), active_(context.active) {}

bool StockChoice::goes_on(SessionId id, const Session& session) const {
  if (!session.current) {
    return false;
  }
  const ActivePiece& active = active_.at(*session.current);
  if (active.piece != session.current_piece) {
    return false;
  }
  const bool mine = active.owner == id;
  if (mine && active.state == ActivePiece::State::leasing) {
    return true;
  }
  return (mine || may_contribute(active, session)) &&
         active.state == ActivePiece::State::receiving && active.missing_count > 0;
}

PieceChoice StockChoice::choose(SessionId id, const Session& session, Instant now) const {
  ENSURE(session.state == Session::State::open && !session.grants.in_use);
  if (const auto orphan = find_orphan(id, session)) {
    return {.kind = PieceChoice::Kind::adopt, .buffer = *orphan};
  }
  if (active_.idle_count() > 0) {
    if (const auto piece = pieces_.picker().pick(session.pieces)) {
      return {.kind = PieceChoice::Kind::start, .piece = *piece};
    }
  }
  if (const auto shared = find_to_join(session)) {
    return {.kind = PieceChoice::Kind::join, .buffer = *shared};
  }
  if (const auto slow = find_to_duplicate(id, session, now)) {
    return {.kind = PieceChoice::Kind::duplicate, .buffer = *slow};
  }
  return {};
}

// One contributor alone where wrong data must have one culprit; otherwise anybody who has the
// piece.
bool StockChoice::may_contribute(const ActivePiece& active, const Session& session) const {
  return session.pieces.test(active.piece.raw) && !active.solo && !session.suspect;
}

// A piece that nobody asks for now, or its own piece of which something is missing again.
std::optional<BufferIndex> StockChoice::find_orphan(SessionId id, const Session& session) const {
  for (uint32_t index = 0; index < active_.buffer_count(); ++index) {
    const ActivePiece& active = active_.at({index});
    // Most are neither its own nor orphans, and nothing else of them need be looked at.
    if (active.missing_count == 0 || (active.owner != id && !active.owner.is_none())) {
      continue;
    }
    const bool own = active.owner == id && active.state == ActivePiece::State::receiving;
    if (own || may_adopt(active, session)) {
      return BufferIndex{index};
    }
  }
  return std::nullopt;
}

// There is no piece to start: it helps with the one that misses most.
std::optional<BufferIndex> StockChoice::find_to_join(const Session& session) const {
  std::optional<BufferIndex> best;
  uint32_t missing_most = 0;
  for (uint32_t index = 0; index < active_.buffer_count(); ++index) {
    const ActivePiece& active = active_.at({index});
    if (active.state == ActivePiece::State::receiving && active.missing_count > missing_most &&
        may_contribute(active, session)) {
      best = BufferIndex{index};
      missing_most = active.missing_count;
    }
  }
  return best;
}

std::optional<BufferIndex> StockChoice::find_to_duplicate(SessionId id, const Session& session,
                                                          Instant now) const {
  if (pieces_.picker().wanted_count() > 0 || active_.idle_count() == 0) {
    return std::nullopt;
  }
  for (uint32_t index = 0; index < active_.buffer_count(); ++index) {
    const ActivePiece& active = active_.at({index});
    // What is asked of this session would not come sooner a second time.
    const bool own = active.owner == id && session.requested_bytes > 0;
    if (active.state == ActivePiece::State::receiving && !own &&
        session.pieces.test(active.piece.raw) && now - active.started_at > duplicate_patience &&
        is_slow(active, session, now) && !active_.has_other(active.piece, BufferIndex{index})) {
      return BufferIndex{index};
    }
  }
  return std::nullopt;
}

// Whether `session` would have the whole piece well before those who were asked: their owner is
// slower, or nothing came of anybody for a while.
bool StockChoice::is_slow(const ActivePiece& active, const Session& session, Instant now) const {
  const double own_rate = session.download_rate;  // zero: nothing was ever asked of it
  const double own_seconds = own_rate > 0 ? active.size_bytes / own_rate : unknown_rate_seconds;
  if (seconds_of(now - active.progressed_at - duplicate_patience) > duplicate_gain * own_seconds) {
    return true;
  }
  const Session* owner = sessions_.get(active.owner);
  if (owner == nullptr || owner == &session) {
    return false;
  }
  const uint32_t unreceived = (active.unit_count - active.received_count()) * unit_bytes;
  const uint32_t left_bytes = std::max(owner->requested_bytes, unreceived);
  return owner->snubbed || owner->download_rate * own_seconds * duplicate_gain < left_bytes;
}

}  // namespace murder::swarm
