// Granted pieces at the downloader: who may give us one now, and which.
#include <algorithm>
#include <bit>

#include "engine/base/ensure.h"
#include "engine/swarm/bounds.h"
#include "engine/swarm/swarm.h"

namespace murder::swarm {

using codec::any_piece;
using codec::GrantKind;

namespace {

constexpr uint32_t granted_blocks_per_piece = 8;
constexpr uint32_t granted_block_bytes_min = 32 * 1024;
// Smaller pieces are asked for in blocks of twice that.
constexpr uint32_t small_piece_bytes = 128 * 1024;

// A second copy is fetched when all is pending and a piece takes this many piece times more.
constexpr double late_after = 1.5;
constexpr Duration piece_duration_unknown = std::chrono::milliseconds(300);

// What is left of a piece is known in blocks: larger ones tell too late that it is about to end.
// 16 simulated hosts, 128 MiB in 512 pieces: last host at 1.24 times the floor with one block for a
// piece, 1.10 with two, 1.045 with four, 1.041 with sixteen.
uint32_t granted_block_bytes(const ActivePiece& active, const Session& session) {
  const uint32_t wanted = std::bit_floor(active.size_bytes) / granted_blocks_per_piece;
  const uint32_t least =
      active.size_bytes < small_piece_bytes ? 2 * granted_block_bytes_min : granted_block_bytes_min;
  return std::min(session.block_bytes, std::max(wanted, least));
}

}  // namespace

// --- free and busy -------------------------------------------------------------------------------

bool Swarm::has_download_slot(Instant now) const {
  if (config_.policy != SwarmPolicy::grant || stopping_ || have_.all() ||
      downloads_open_ >= download_slots()) {
    return false;
  }
  if (active_.idle_count() > 0 && picker_.wanted_count() > 0) {
    return true;
  }
  const std::span<const uint32_t> used = active_.used();
  return std::any_of(used.begin(), used.end(), [&](uint32_t index) {
    const ActivePiece& active = active_.at({index});
    const bool orphan = active.state == ActivePiece::State::receiving && active.owner.is_none() &&
                        active.missing_count > 0;
    return orphan || (active_.idle_count() > 0 && is_late(active, now) &&
                      !is_active_elsewhere(active.piece, {index}));
  });
}

// It has a piece that is half there and belongs to nobody.
bool Swarm::could_adopt(const Session& session) const {
  const std::span<const uint32_t> used = active_.used();
  return std::any_of(used.begin(), used.end(), [&](uint32_t index) {
    const ActivePiece& active = active_.at({index});
    return may_adopt(active, session) && !(is_outside(session) && rack_.covers(active.piece));
  });
}

// All it has is had, pending, or covered by the rack: we would decline its grants. When that
// changes it is told by who changes it (on_have, offer_slot_for), at the latest at a tick.
bool Swarm::offers_nothing(const Session& session) const {
  if (could_adopt(session)) {
    return false;
  }
  if (is_outside(session)) {
    return !picker_.pick(session.pieces, rack_.covered());
  }
  // With nothing wanted it may help with what is late.
  return picker_.wanted_count() > 0 && !picker_.wants_any(session.pieces);
}

void Swarm::update_free(Instant now) {
  const bool free = has_download_slot(now);
  if (free == free_) {
    return;
  }
  free_ = free;
  if (have_.all()) {
    return;  // told by what we have
  }
  sessions_.each([&](SessionId id, Session& session) {
    if (session.state != Session::State::open || !session.grants.spoken) {
      return;
    }
    if (free && !offers_nothing(session)) {
      tell_free(id, session);
    } else if (!free && session.grants.told_free) {
      session.grants.told_free = false;
      say(id, session, GrantKind::busy, 0);
    }
  });
}

void Swarm::tell_free(SessionId id, Session& session) {
  if (!session.grants.told_free) {
    session.grants.told_free = true;
    session.grants.declined_since_free = 0;
    say(id, session, GrantKind::free,
        static_cast<uint32_t>(
            std::min<double>(link_.bytes_per_second() / bytes_per_kib, UINT32_MAX)));
  }
}

// The piece can be fetched again: those who were told that they have nothing for us hear of it.
void Swarm::offer_slot_for(PieceIndex piece) {
  if (!free_) {
    return;  // all hear of it when we are
  }
  sessions_.each([&](SessionId id, Session& session) {
    if (session.state == Session::State::open && session.grants.spoken &&
        session.pieces.test(piece.raw) && !(is_outside(session) && rack_.covers(piece))) {
      tell_free(id, session);
    }
  });
}

// --- taking a grant ------------------------------------------------------------------------------

void Swarm::on_grant(SessionId id, Session& session, uint32_t piece, Instant now) {
  if (take_grant(id, session, piece, now)) {
    return;
  }
  if (++session.grants.declined_since_free > limits::grants_declined_since_free_max ||
      ++session.grants.declined_since_payload > limits::grants_declined_since_payload_max) {
    end(id, CloseReason::grant_flood, now);
    return;
  }
  session.grants.told_free = false;
  say(id, session, GrantKind::decline, piece);
  // Not this one, but another.
  if (free_ && piece != any_piece && pick_granted(session, any_piece)) {
    tell_free(id, session);
  }
}

bool Swarm::take_grant(SessionId id, Session& session, uint32_t piece, Instant now) {
  const bool waits = (session.snubbed && now < session.snubbed_until) ||
                     (!session.proven && addresses_.waits(session.remote.address, now));
  const bool on_trial = is_on_trial(session, now);
  if (!has_download_slot(now) || (waits && has_other_source(id)) ||
      !has_place_for(id, session, on_trial)) {
    return false;
  }
  const std::optional<BufferIndex> buffer = buffer_for_grant(id, session, piece, now);
  if (!buffer) {
    return false;
  }
  ActivePiece& active = active_.at(*buffer);
  active.granted = true;
  active.ending = false;
  active.slotless = on_trial;
  active.solo = active.solo || on_trial;
  active.granted_at = now;
  active.granted_units = active.received_count();
  active.moved_when_granted = pieces_moved_;
  active.tail_units = active.unit_count == 1
                          ? 0
                          : (link_.tail_bytes(active.size_bytes) + unit_bytes - 1) / unit_bytes;
  downloads_open_ += active.slotless ? 0U : 1U;
  if (is_outside(session)) {
    claim(active);
  }
  ask_granted(id, session, now);
  update_free(now);
  return true;
}

// What another left half done first, then the rarest, then what is late.
std::optional<BufferIndex> Swarm::buffer_for_grant(SessionId id, const Session& session,
                                                   uint32_t piece, Instant now) {
  for (const uint32_t index : active_.used()) {
    ActivePiece& active = active_.at({index});
    if ((piece == any_piece || piece == active.piece.raw) && may_adopt(active, session) &&
        !(is_outside(session) && rack_.covers(active.piece))) {
      active.owner = id;
      active.solo = active.solo || session.suspect;
      return BufferIndex{index};
    }
  }
  if (active_.idle_count() == 0) {
    return std::nullopt;
  }
  if (const auto picked = pick_granted(session, piece)) {
    return start_piece(*picked, id, now);
  }
  const auto late = find_late(id, session, piece, now);
  if (!late) {
    return std::nullopt;
  }
  const BufferIndex buffer = active_.start(active_.at(*late).piece, id, false, now);
  active_.at(buffer).solo = true;
  return buffer;
}

std::optional<PieceIndex> Swarm::pick_granted(const Session& session, uint32_t piece) {
  const bool outside = is_outside(session);
  if (outside && slow_self_ && rack_.mate_count() > 0) {
    return std::nullopt;  // a mate fetches it faster
  }
  if (piece == any_piece) {
    return outside ? picker_.pick(session.pieces, rack_.covered()) : picker_.pick(session.pieces);
  }
  const bool wanted = piece < have_.size() && picker_.is_wanted({piece}) &&
                      session.pieces.test(piece) && !(outside && rack_.covers({piece}));
  return wanted ? std::optional(PieceIndex{piece}) : std::nullopt;
}

// --- the end of a release ------------------------------------------------------------------------

// Everything is pending, and this will take long.
bool Swarm::is_late(const ActivePiece& active, Instant now) const {
  if (picker_.wanted_count() > 0 || active.state != ActivePiece::State::receiving) {
    return false;
  }
  const Duration usual =
      link_.piece_duration() > Duration{} ? link_.piece_duration() : piece_duration_unknown;
  const double elapsed = seconds_of(now - active.started_at);
  const double received = active.received_count();
  const double left = active.unit_count - received;
  const double expected = received > 0 ? elapsed * left / received : elapsed;
  return now - active.started_at > usual && expected > late_after * seconds_of(usual);
}

std::optional<BufferIndex> Swarm::find_late(SessionId id, const Session& session, uint32_t piece,
                                            Instant now) const {
  for (const uint32_t index : active_.used()) {
    const ActivePiece& active = active_.at({index});
    // What is asked of this session would not come sooner a second time.
    const bool own = active.owner == id && session.requested_bytes > 0;
    if ((piece == any_piece || piece == active.piece.raw) && !own &&
        session.pieces.test(active.piece.raw) && is_late(active, now) &&
        !is_active_elsewhere(active.piece, {index})) {
      return BufferIndex{index};
    }
  }
  return std::nullopt;
}

// Those whose grant was declined hear of it when there is something for them since: what became
// late, or when they are believed again.
void Swarm::offer_slot_again(Instant now) {
  if (!free_) {
    return;
  }
  sessions_.each([&](SessionId id, Session& session) {
    if (session.state == Session::State::open && session.grants.spoken &&
        !session.grants.told_free && (!session.snubbed || now >= session.snubbed_until) &&
        (pick_granted(session, any_piece) || could_adopt(session))) {
      tell_free(id, session);
    }
  });
  if (picker_.wanted_count() > 0) {
    return;
  }
  for (const uint32_t index : active_.used()) {
    const ActivePiece& active = active_.at({index});
    if (is_late(active, now) && !is_active_elsewhere(active.piece, {index})) {
      offer_slot_for(active.piece);
    }
  }
}

// --- a granted piece on its way ------------------------------------------------------------------

// Of a granted piece is asked for what keeps the link busy and no more. What is under way stands in
// a queue before the narrowest link, and so does everything that others have to say to us.
void Swarm::ask_granted(SessionId id, Session& session, Instant now) {
  if (session.state != Session::State::open || stopping_) {
    return;
  }
  const uint32_t count_max = std::min(session.requests_max, limits::requests_outstanding_max);
  const uint32_t window_bytes = link_.window_bytes();
  for (const uint32_t index : active_.used()) {
    const ActivePiece& active = active_.at({index});
    while (active.owner == id && active.state == ActivePiece::State::receiving &&
           active.missing_count > 0 && session.requested.size() < count_max &&
           active.requested_count * unit_bytes < window_bytes) {
      ask(id, session, {index}, granted_block_bytes(active, session), now);
    }
  }
}

void Swarm::granted_progress(ActivePiece& active, Instant now) {
  const bool ends = active.missing_count == 0 && active.requested_count <= active.tail_units;
  if (active.granted && !active.ending && ends) {
    active.ending = true;
    downloads_open_ -= active.slotless ? 0U : 1U;
    say(active.owner, *sessions_.get(active.owner), GrantKind::ending, active.piece.raw);
    update_free(now);
  }
}

// By now another one should be under way in its place.
void Swarm::granted_whole() {
  uint32_t receiving_count = 0;
  for (const uint32_t index : active_.used()) {
    const ActivePiece& active = active_.at({index});
    receiving_count += active.granted && active.state == ActivePiece::State::receiving ? 1U : 0U;
  }
  downloads_idled_ = downloads_idled_ || receiving_count < download_slots();
}

// It is fetched no more, or not under this grant.
void Swarm::ungrant(ActivePiece& active) {
  if (active.granted && !active.ending && !active.slotless) {
    --downloads_open_;
  }
  active.granted = false;
  active.ending = false;
  active.slotless = false;
  unclaim(active);
}

}  // namespace murder::swarm
