// The fetching half of the swarm: which piece of whom.
#include <algorithm>
#include <bit>

#include "engine/base/bounds.h"
#include "engine/base/ensure.h"
#include "engine/swarm/bounds.h"
#include "engine/swarm/swarm.h"

namespace murder::swarm {

using codec::MessageType;
using codec::PeerMessage;

namespace {

constexpr uint32_t window_bytes_min = 32 * 1024;
constexpr uint32_t window_bytes_start_max = 256 * 1024;
// An answer may take twice as long as the quickest one did, and this.
constexpr Duration window_margin = std::chrono::milliseconds(2);
constexpr Duration window_latency_max = std::chrono::milliseconds(100);
// A second copy of a piece is fetched near the end when it would arrive this much earlier.
constexpr double duplicate_gain = 1.5;
constexpr Duration duplicate_patience = std::chrono::milliseconds(300);
// How long a whole piece takes from a peer of which nothing is known.
constexpr double unknown_rate_seconds = 0.5;
// Blocks of our own kind are at least this large, and larger where many of them are under way.
constexpr uint32_t own_block_bytes_min = 128 * 1024;
constexpr uint32_t blocks_per_window = 8;
static_assert(own_block_bytes_min <= limits::block_bytes_max);

// The grain of a session's window.
uint32_t grain_bytes(const Session& session, const Geometry& geometry) {
  return std::min({session.block_bytes, own_block_bytes_min, geometry.piece_bytes});
}

}  // namespace

// --- what the peer has ---------------------------------------------------------------------------

void Swarm::on_pieces(SessionId id, Session& session, const PeerMessage& message, Instant now) {
  if (!session.first_message) {
    on_more_pieces(id, session, message, now);
    return;
  }
  bool valid = true;
  session.first_message = false;
  if (message.type == MessageType::have_all) {
    session.pieces.set_all();
  } else if (message.type == MessageType::bitfield) {
    valid = session.pieces.from_wire(message.payload);
  }
  if (!valid) {
    end(id, CloseReason::protocol_error, now);
    return;
  }
  session.counted_as_seed = session.pieces.all();
  if (session.pieces.all()) {
    session.upload_only = true;
  }
  session.useful_count = session.pieces.count_outside(have_);
  session.pieces.for_each([&](uint32_t piece) { note_has(id, session, {piece}); });
  update_interest(id, session);
  update_grantable(id, session);
  grant_more(now);
  fill_requests(id, session, now);
}

// BEP 3 has a bitfield come first only, but aria2 sends one whenever it is shorter than the HAVEs
// that are due. It adds to what is known: nobody loses a piece.
void Swarm::on_more_pieces(SessionId id, Session& session, const PeerMessage& message,
                           Instant now) {
  BitSet told(session.pieces.size());
  if (message.type == MessageType::have_all) {
    told.set_all();
  } else if (message.type == MessageType::bitfield && !told.from_wire(message.payload)) {
    end(id, CloseReason::protocol_error, now);
    return;
  }
  told.for_each([&](uint32_t piece) {
    if (session.pieces.set(piece)) {
      note_has(id, session, {piece});
      session.useful_count += have_.test(piece) ? 0U : 1U;
    }
  });
  session.upload_only = session.upload_only || session.pieces.all();
  update_interest(id, session);
  update_grantable(id, session);
  fill_requests(id, session, now);
}

void Swarm::on_have(SessionId id, Session& session, PieceIndex piece, Instant now) {
  if (piece.raw >= have_.size()) {
    end(id, CloseReason::protocol_error, now);
    return;
  }
  session.first_message = false;
  if (!session.pieces.set(piece.raw)) {
    return;
  }
  note_has(id, session, piece);
  session.messages.earn();
  session.grants.progressed_at = now;
  if (session.pieces.all()) {
    session.upload_only = true;
  }
  if (session.grants.grants + session.grants.given.unconfirmed() > 0) {
    session.grants.given.has(piece.raw, now);
    end_grant(id, piece, now);
    grant_more(now);
  }
  if (have_.test(piece.raw)) {
    update_grantable(id, session);
    return;
  }
  ++session.useful_count;
  update_interest(id, session);
  if (!session.grants.spoken) {
    fill_requests(id, session, now);
  } else if (free_ && !session.grants.told_free &&
             ((picker_.is_wanted(piece) && !(is_outside(session) && rack_.covers(piece))) ||
              could_adopt(session))) {
    tell_free(id, session);
  } else if (picker_.wanted_count() == 0) {
    update_free(now);
  }
}

void Swarm::note_has(SessionId id, const Session& session, PieceIndex piece) {
  if (!session.counted_as_seed) {
    picker_.neighbour_has(piece, prng_);
  }
  if (session.grants.covers_rack) {
    rack_.mate_has(piece, id.slot);
  }
  first_copies_.seen(piece);
}

void Swarm::forget_pieces(Session& session) {
  if (!session.counted_as_seed) {
    session.pieces.for_each([&](uint32_t piece) { picker_.neighbour_lost({piece}, prng_); });
  }
  session.pieces.reset_all();
  session.counted_as_seed = false;
  session.useful_count = 0;
}

void Swarm::update_interest(SessionId id, Session& session) {
  const bool interested = session.useful_count > 0;
  if (session.state == Session::State::open && session.interested != interested) {
    session.interested = interested;
    send(id, interested ? MessageType::interested : MessageType::not_interested);
  }
}

// --- asking --------------------------------------------------------------------------------------

uint32_t Swarm::request_window(const Session& session) const {
  const uint32_t block = grain_bytes(session, config_.geometry);
  if (session.snubbed) {
    return block;
  }
  const auto share = static_cast<uint32_t>(
      std::min<uint64_t>(config_.geometry.total_bytes / 16, window_bytes_start_max));
  const uint32_t least = std::max({window_bytes_min, share, 2 * block});
  uint32_t window = session.window_bytes;
  if (session.block_bytes == limits::block_bytes_stock) {
    // Stock clients may serve in slices (Transmission: twice a second), whatever the latency.
    window = std::max(window, static_cast<uint32_t>(std::min<double>(
                                  session.download_rate, limits::request_window_bytes_max)));
  }
  return std::clamp(window, least, std::max(least, limits::request_window_bytes_max));
}

// What is asked ahead waits in line at the uploader while others could deliver it, so the window is
// what is under way and little more: it grows while answers come about as soon as the quickest did,
// and shrinks while they take longer.
void Swarm::adapt_window(Session& session, Duration answered_after) {
  session.latency = std::min(session.latency, answered_after);
  const Duration target = 2 * std::min(session.latency, window_latency_max) + window_margin;
  const uint32_t block = grain_bytes(session, config_.geometry);
  const uint32_t before = request_window(session);  // at least a block
  session.window_bytes = answered_after < target ? before + block : before - block / 2;
}

// Stock clients are asked as much as their window allows, our own for what they granted.
void Swarm::fill_requests(SessionId id, Session& session, Instant now) {
  if (session.grants.spoken) {
    ask_granted(id, session, now);
    return;
  }
  if (session.state != Session::State::open || session.peer_choking || !session.interested ||
      stopping_ || now < session.asks_again_at) {
    return;
  }
  if ((session.snubbed && now < session.snubbed_until && has_other_source(id)) ||
      !may_ask_stock(id, session, now)) {
    return;
  }
  const uint32_t window = request_window(session);
  const uint32_t count_max = std::min(session.requests_max, limits::requests_outstanding_max);
  while (session.requested_bytes < window && session.requested.size() < count_max &&
         choose_piece(id, session, now)) {
    if (active_.at(*session.current).state == ActivePiece::State::leasing) {
      break;  // lease_answered goes on
    }
    const uint32_t large = std::bit_floor(window / blocks_per_window);
    ask(id, session, *session.current,
        std::min(session.block_bytes, std::max(large, own_block_bytes_min)), now);
  }
  update_free(now);
}

void Swarm::fill_all(Instant now) {
  for (const uint32_t index : active_.used()) {
    const ActivePiece& active = active_.at({index});
    Session* owner =
        active.granted && active.missing_count > 0 ? sessions_.get(active.owner) : nullptr;
    if (owner != nullptr) {
      ask_granted(active.owner, *owner, now);
    }
  }
  if (stock_count_ > 0) {
    sessions_.each([&](SessionId id, Session& session) {
      if (!session.grants.spoken) {
        fill_requests(id, session, now);
      }
    });
  }
  update_free(now);
  grant_more(now);
}

// One contributor alone where wrong data must have one culprit; otherwise anybody who has the
// piece.
bool Swarm::may_contribute(const ActivePiece& active, const Session& session) const {
  return session.pieces.test(active.piece.raw) && !active.solo && !session.suspect;
}

bool Swarm::choose_piece(SessionId id, Session& session, Instant now) {
  if (session.current) {
    const ActivePiece& active = active_.at(*session.current);
    const bool same = active.piece == session.current_piece;
    const bool mine = active.owner == id;
    const bool open_to_me = mine || may_contribute(active, session);
    if (same && mine && active.state == ActivePiece::State::leasing) {
      return true;
    }
    if (same && open_to_me && active.state == ActivePiece::State::receiving &&
        active.missing_count > 0) {
      return true;
    }
    session.current.reset();
  }
  if (const auto orphan = find_orphan(id, session)) {
    ActivePiece& active = active_.at(*orphan);
    active.owner = id;
    active.solo = active.solo || session.suspect;
    session.current = *orphan;
  } else if (const auto piece =
                 active_.idle_count() > 0 ? picker_.pick(session.pieces) : std::nullopt) {
    session.current = start_piece(*piece, id, now);
  } else if (const auto shared = find_to_join(session)) {
    session.current = *shared;
  } else if (const auto slow = find_to_duplicate(id, session, now)) {
    const BufferIndex buffer = active_.start(active_.at(*slow).piece, id, false, now);
    active_.at(buffer).solo = true;
    session.current = buffer;
  } else {
    return false;
  }
  session.current_piece = active_.at(*session.current).piece;
  return true;
}

BufferIndex Swarm::start_piece(PieceIndex piece, SessionId owner, Instant now) {
  picker_.unwant(piece);
  piece_states_[piece.raw] = PieceState::active;
  const BufferIndex buffer = active_.start(piece, owner, config_.leased, now);
  const Session* session = sessions_.get(owner);
  active_.at(buffer).solo = suspicious_.test(piece.raw) || session->suspect;
  if (config_.leased) {
    sink_.request_lease(piece);
  }
  return buffer;
}

bool Swarm::may_adopt(const ActivePiece& active, const Session& session) const {
  const bool untouched = active.missing_count == active.unit_count;
  return active.state == ActivePiece::State::receiving && active.owner.is_none() &&
         active.missing_count > 0 && session.pieces.test(active.piece.raw) &&
         (untouched || (!active.solo && !session.suspect));
}

// A piece nobody asks for any more, or one of its own of which something is missing again.
std::optional<BufferIndex> Swarm::find_orphan(SessionId id, const Session& session) const {
  for (uint32_t index = 0; index < active_.buffer_count(); ++index) {
    const ActivePiece& active = active_.at({index});
    const bool own = active.owner == id && active.state == ActivePiece::State::receiving &&
                     active.missing_count > 0;
    if (own || may_adopt(active, session)) {
      return BufferIndex{index};
    }
  }
  return std::nullopt;
}

// No piece of its own to be had: helps with the one that misses most.
std::optional<BufferIndex> Swarm::find_to_join(const Session& session) {
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

std::optional<BufferIndex> Swarm::find_to_duplicate(SessionId id, const Session& session,
                                                    Instant now) {
  if (picker_.wanted_count() > 0 || active_.idle_count() == 0) {
    return std::nullopt;
  }
  for (uint32_t index = 0; index < active_.buffer_count(); ++index) {
    const ActivePiece& active = active_.at({index});
    // What is asked of this session would not come sooner a second time.
    const bool own = active.owner == id && session.requested_bytes > 0;
    if (active.state == ActivePiece::State::receiving && !own &&
        session.pieces.test(active.piece.raw) && now - active.started_at > duplicate_patience &&
        is_slow(active, session, now) && !is_active_elsewhere(active.piece, BufferIndex{index})) {
      return BufferIndex{index};
    }
  }
  return std::nullopt;
}

// Whether `session` would have the whole piece well before those who were asked: their owner is
// slower, or nothing came of anybody for a while.
bool Swarm::is_slow(const ActivePiece& active, const Session& session, Instant now) const {
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

bool Swarm::is_active_elsewhere(PieceIndex piece, BufferIndex besides) const {
  for (uint32_t index = 0; index < active_.buffer_count(); ++index) {
    const ActivePiece& active = active_.at({index});
    if (index != besides.raw && active.piece == piece && active.state != ActivePiece::State::idle &&
        active.state != ActivePiece::State::draining) {
      return true;
    }
  }
  return false;
}

void Swarm::ask(SessionId id, Session& session, BufferIndex buffer, uint32_t block_bytes,
                Instant now) {
  const BlockRange block = active_.take_missing(buffer, block_bytes, now);
  if (session.requested.empty() && !session.arriving) {
    session.payload_at = now;
  }
  session.requested.push({block, buffer, now});
  session.requested_bytes += block.size_bytes;
  session.sent_at = now;
  send(id, PeerMessage{.type = MessageType::request,
                       .piece = block.piece,
                       .offset = block.offset,
                       .size_bytes = block.size_bytes});
}

}  // namespace murder::swarm
