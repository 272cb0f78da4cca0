// The fetching half of the swarm: which piece of whom, and what becomes of it.
#include <algorithm>

#include "engine/base/ensure.h"
#include "engine/swarm/swarm.h"

namespace murder::swarm {

using codec::MessageType;
using codec::PeerMessage;

namespace {

constexpr uint32_t window_bytes_min = 32 * 1024;
constexpr uint32_t window_bytes_start_max = 256 * 1024;
constexpr double window_seconds = 0.2;
// A second copy of a piece is fetched near the end when it would arrive this much earlier.
constexpr double duplicate_gain = 1.5;
constexpr Duration unknown_rate_patience = std::chrono::milliseconds(300);
constexpr Duration reject_pause = std::chrono::milliseconds(500);
constexpr Duration orphan_patience = std::chrono::milliseconds(200);
constexpr Duration lease_retry_interval = std::chrono::milliseconds(500);

}  // namespace

// --- what the peer has ---------------------------------------------------------------------------

void Swarm::on_pieces(SessionId id, Session& session, const PeerMessage& message, Instant now) {
  const bool valid_now = session.first_message && session.pieces.none();
  session.first_message = false;
  bool valid = valid_now;
  if (message.type == MessageType::have_all) {
    session.pieces.set_all();
  } else if (message.type == MessageType::bitfield) {
    valid = valid_now && session.pieces.from_wire(message.payload);
  }
  if (!valid) {
    session.pieces.reset_all();  // nothing of it was counted
    end(id, CloseReason::protocol_error, now);
    return;
  }
  session.counted_as_seed = session.pieces.all();
  if (session.pieces.all()) {
    session.upload_only = true;
  }
  session.useful_count = 0;
  for (uint32_t piece = session.pieces.find_set(0); piece < session.pieces.size();
       piece = session.pieces.find_set(piece + 1)) {
    if (!session.counted_as_seed) {
      picker_.neighbour_has({piece}, prng_);
    }
    session.useful_count += have_.test(piece) ? 0U : 1U;
  }
  end_if_both_complete(id, session, now);
  update_interest(id, session);
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
  picker_.neighbour_has(piece, prng_);
  if (session.pieces.all()) {
    session.upload_only = true;
    end_if_both_complete(id, session, now);
  }
  if (session.state == Session::State::open && !have_.test(piece.raw)) {
    ++session.useful_count;
    update_interest(id, session);
    fill_requests(id, session, now);
  }
}

void Swarm::forget_pieces(Session& session) {
  if (!session.counted_as_seed) {
    for (uint32_t piece = session.pieces.find_set(0); piece < session.pieces.size();
         piece = session.pieces.find_set(piece + 1)) {
      picker_.neighbour_lost({piece}, prng_);
    }
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
  const uint32_t block = std::min(session.block_bytes, config_.geometry.piece_bytes);
  if (session.snubbed) {
    return block;
  }
  const auto share = static_cast<uint32_t>(
      std::min<uint64_t>(config_.geometry.total_bytes / 16, window_bytes_start_max));
  const uint32_t least = std::max({window_bytes_min, share, 2 * block});
  const double wish = session.download_rate * window_seconds;
  return static_cast<uint32_t>(
      std::clamp<double>(wish, least, std::max(least, limits::request_window_bytes_max)));
}

void Swarm::fill_requests(SessionId id, Session& session, Instant now) {
  if (session.state != Session::State::open || session.peer_choking || !session.interested ||
      stopping_ || now < session.asks_again_at) {
    return;
  }
  const uint32_t window = request_window(session);
  const uint32_t count_max = std::min(session.requests_max, limits::requests_outstanding_max);
  while (session.requested_bytes < window && session.requested.size() < count_max) {
    if (!choose_piece(id, session, now)) {
      return;
    }
    if (active_.at(*session.current).state == ActivePiece::State::leasing) {
      return;  // lease_answered goes on
    }
    ask(id, session, now);
  }
}

void Swarm::fill_all(Instant now) {
  sessions_.each([&](SessionId id, Session& session) { fill_requests(id, session, now); });
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
  if (const auto orphan = find_orphan(session)) {
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

std::optional<BufferIndex> Swarm::find_orphan(const Session& session) {
  for (uint32_t index = 0; index < active_.buffer_count(); ++index) {
    const ActivePiece& active = active_.at({index});
    const bool untouched = active.missing_count == active.unit_count;
    if (active.state == ActivePiece::State::receiving && active.owner.is_none() &&
        active.missing_count > 0 && session.pieces.test(active.piece.raw) &&
        (untouched || (!active.solo && !session.suspect))) {
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
    const Session* owner = sessions_.get(active.owner);
    if (active.state != ActivePiece::State::receiving || owner == nullptr || active.owner == id ||
        !session.pieces.test(active.piece.raw) ||
        is_active_elsewhere(active.piece, BufferIndex{index})) {
      continue;
    }
    bool slow = owner->snubbed;
    if (owner->download_rate > 0 && session.download_rate > 0) {
      const double left = owner->requested_bytes / owner->download_rate;
      slow = slow || left > duplicate_gain * active.size_bytes / session.download_rate;
    }
    slow = slow && now - active.started_at > unknown_rate_patience;
    if (slow) {
      return BufferIndex{index};
    }
  }
  return std::nullopt;
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

void Swarm::ask(SessionId id, Session& session, Instant now) {
  const BlockRange block = active_.take_missing(*session.current, session.block_bytes);
  if (session.requested.empty() && !session.arriving) {
    session.payload_at = now;
  }
  session.requested.push({block, *session.current});
  session.requested_bytes += block.size_bytes;
  session.sent_at = now;
  send(id, PeerMessage{.type = MessageType::request,
                       .piece = block.piece,
                       .offset = block.offset,
                       .size_bytes = block.size_bytes});
}

// --- taking back ---------------------------------------------------------------------------------

// The request's units stay `requested` until the transport is disarmed: it may still write into
// their place.
void Swarm::revoke(SessionId id, Session& session, const OutgoingRequest& request) {
  session.revoked.push_back(request);
  session.requested_bytes -= request.block.size_bytes;
  session.cancelled_bytes += request.block.size_bytes;
  if (!session.disarming && session.state == Session::State::open) {
    session.disarming = true;
    sink_.disarm(id);
  }
}

void Swarm::revoke_all(SessionId id, Session& session, bool send_cancels) {
  while (!session.requested.empty()) {
    const OutgoingRequest request = session.requested.pop();
    if (send_cancels) {
      send(id, PeerMessage{.type = MessageType::cancel,
                           .piece = request.block.piece,
                           .offset = request.block.offset,
                           .size_bytes = request.block.size_bytes});
    }
    revoke(id, session, request);
  }
}

void Swarm::on_reject(SessionId id, Session& session, const BlockRange& block, Instant now) {
  for (uint32_t position = 0; position < session.requested.size(); ++position) {
    if (session.requested.at(position).block == block) {
      revoke(id, session, session.requested.remove(position));
      session.asks_again_at = now + reject_pause;
      let_go_of_pieces(id, session, now);
      return;
    }
  }
}

void Swarm::disarmed(SessionId id, Instant now) {
  Session* session = sessions_.get(id);
  if (session == nullptr || session->state == Session::State::closing) {
    return;
  }
  session->disarming = false;
  for (const OutgoingRequest& request : session->revoked) {
    release_request(request);
  }
  session->revoked.clear();
  fill_all(now);
}

void Swarm::release_request(const OutgoingRequest& request) {
  active_.mark_missing(request.buffer, request.block);
  const ActivePiece& active = active_.at(request.buffer);
  if (active.state == ActivePiece::State::draining && active.requested_count == 0) {
    active_.finish(request.buffer);
  }
}

// Its pieces become orphans. What a single contributor had to deliver alone starts again.
void Swarm::let_go_of_pieces(SessionId id, Session& session, Instant now) {
  session.current.reset();
  for (uint32_t index = 0; index < active_.buffer_count(); ++index) {
    ActivePiece& active = active_.at({index});
    if (active.owner != id || (active.state != ActivePiece::State::receiving &&
                               active.state != ActivePiece::State::leasing)) {
      continue;
    }
    active.owner = {};
    active.orphaned_at = now;
    if (active.solo) {
      active_.restart({index});
    }
  }
}

void Swarm::give_up(BufferIndex buffer) {
  ActivePiece& active = active_.at(buffer);
  active.state = ActivePiece::State::draining;
  active.owner = {};
  sessions_.each([&](SessionId id, Session& session) {
    for (uint32_t position = 0; position < session.requested.size();) {
      if (session.requested.at(position).buffer != buffer) {
        ++position;
        continue;
      }
      const OutgoingRequest request = session.requested.remove(position);
      send(id, PeerMessage{.type = MessageType::cancel,
                           .piece = request.block.piece,
                           .offset = request.block.offset,
                           .size_bytes = request.block.size_bytes});
      revoke(id, session, request);
    }
  });
  if (active.requested_count == 0) {
    active_.finish(buffer);
  }
}

void Swarm::give_up_duplicates(PieceIndex piece, BufferIndex keep) {
  for (uint32_t index = 0; index < active_.buffer_count(); ++index) {
    const ActivePiece& active = active_.at({index});
    if (index != keep.raw && active.piece == piece &&
        (active.state == ActivePiece::State::receiving ||
         active.state == ActivePiece::State::leasing)) {
      give_up({index});
    }
  }
}

bool Swarm::has_alternative_to(SessionId id) {
  bool found = false;
  sessions_.each([&](SessionId other_id, const Session& other) {
    found = found || (other_id != id && other.state == Session::State::open &&
                      !other.peer_choking && !other.snubbed && other.useful_count > 0);
  });
  return found;
}

void Swarm::snub(SessionId id, Session& session, Instant now) {
  session.snubbed = true;
  revoke_all(id, session, true);
  let_go_of_pieces(id, session, now);
}

// --- payload -------------------------------------------------------------------------------------

uint32_t Swarm::expected(SessionId id, std::span<OutgoingRequest> out) const {
  const Session* session = sessions_.get(id);
  if (session == nullptr) {
    return 0;
  }
  const auto count = static_cast<uint32_t>(std::min<size_t>(out.size(), session->requested.size()));
  for (uint32_t position = 0; position < count; ++position) {
    out[position] = session->requested.at(position);
  }
  return count;
}

PayloadPlace Swarm::payload_begin(SessionId id, const BlockRange& block, Instant now) {
  Session* session = sessions_.get(id);
  if (session == nullptr || session->state != Session::State::open) {
    return {};
  }
  ENSURE(!session->arriving);
  session->received_at = now;
  for (uint32_t position = 0; position < session->requested.size(); ++position) {
    if (session->requested.at(position).block == block) {
      session->arriving = session->requested.remove(position);
      session->payload_at = now;
      return {.wanted = true, .buffer = session->arriving->buffer, .offset = block.offset};
    }
  }
  // Taken back, but its place is still ours: welcome, unless the piece was given up.
  const auto late = std::find_if(session->revoked.begin(), session->revoked.end(),
                                 [&](const OutgoingRequest& one) { return one.block == block; });
  if (late != session->revoked.end() &&
      active_.at(late->buffer).state == ActivePiece::State::receiving) {
    session->arriving = *late;
    session->requested_bytes += block.size_bytes;
    session->cancelled_bytes -= block.size_bytes;
    session->revoked.erase(late);
    return {.wanted = true, .buffer = session->arriving->buffer, .offset = block.offset};
  }
  stats_.wasted_bytes += block.size_bytes;
  if (session->cancelled_bytes >= block.size_bytes) {
    session->cancelled_bytes -= block.size_bytes;
  } else {
    session->wasted_bytes += block.size_bytes;
    if (session->wasted_bytes > limits::unrequested_bytes_max) {
      end(id, CloseReason::unrequested_data, now);
    }
  }
  return {};
}

void Swarm::payload_end(SessionId id, Instant now) {
  Session* session = sessions_.get(id);
  if (session == nullptr || session->state != Session::State::open || !session->arriving) {
    return;
  }
  const OutgoingRequest request = *session->arriving;
  session->arriving.reset();
  session->payload_at = now;
  session->received_at = now;
  session->snubbed = false;
  session->requested_bytes -= request.block.size_bytes;
  session->downloaded_bytes += request.block.size_bytes;
  stats_.downloaded_bytes += request.block.size_bytes;
  ActivePiece& active = active_.at(request.buffer);
  if (active.state == ActivePiece::State::receiving) {
    active_.mark_received(request.buffer, request.block,
                          {.session = id, .remote = session->remote, .peer_id = session->peer_id});
    if (active.missing_count == 0 && active.requested_count == 0) {
      active.state = ActivePiece::State::verifying;
      sink_.verify(request.buffer, active.piece);
    }
  } else {
    release_request(request);
  }
  fill_requests(id, *session, now);
}

// --- whole pieces --------------------------------------------------------------------------------

void Swarm::piece_verified(BufferIndex buffer, bool matches, Instant now) {
  ActivePiece& active = active_.at(buffer);
  ENSURE(active.state == ActivePiece::State::verifying);
  if (piece_states_[active.piece.raw] == PieceState::had) {
    active_.finish(buffer);  // another copy was faster
    return;
  }
  if (!matches) {
    piece_failed(buffer, now);
    return;
  }
  active.state = ActivePiece::State::storing;
  give_up_duplicates(active.piece, buffer);
  sink_.store(buffer, active.piece);
}

void Swarm::piece_failed(BufferIndex buffer, Instant now) {
  ActivePiece& active = active_.at(buffer);
  const PieceIndex piece = active.piece;
  const std::vector<Contributor> contributors = active.contributors;
  ++stats_.failed_pieces;
  active_.finish(buffer);
  if (!is_active_elsewhere(piece, buffer)) {
    make_missing(piece);
  }
  if (contributors.size() == 1) {
    bar(contributors.front(), now);
  } else {
    suspicious_.set(piece.raw);
    for (const Contributor& contributor : contributors) {
      if (Session* session = sessions_.get(contributor.session)) {
        session->suspect = true;
      }
    }
  }
  fill_all(now);
}

void Swarm::piece_stored(BufferIndex buffer, Instant now) {
  ActivePiece& active = active_.at(buffer);
  ENSURE(active.state == ActivePiece::State::storing);
  const PieceIndex piece = active.piece;
  active_.finish(buffer);
  if (piece_states_[piece.raw] != PieceState::had) {
    now_had(piece, now);
    if (config_.leased) {
      sink_.lease_fulfilled(piece);
    }
  }
  fill_all(now);
}

void Swarm::make_missing(PieceIndex piece) {
  if (piece_states_[piece.raw] != PieceState::missing) {
    piece_states_[piece.raw] = PieceState::missing;
    picker_.want(piece, prng_);
  }
}

void Swarm::now_had(PieceIndex piece, Instant now) {
  if (picker_.is_wanted(piece)) {
    picker_.unwant(piece);
  }
  piece_states_[piece.raw] = PieceState::had;
  have_.set(piece.raw);
  sessions_.each([&](SessionId id, Session& session) {
    if (session.state != Session::State::open) {
      return;
    }
    send(id, PeerMessage{.type = MessageType::have, .piece = piece});
    if (session.pieces.test(piece.raw)) {
      --session.useful_count;
      update_interest(id, session);
    }
    if (complete()) {
      if (session.extension_protocol) {
        send_extension_handshake(id, session);  // upload_only (BEP 21)
      }
      end_if_both_complete(id, session, now);
    }
  });
  if (complete()) {
    sink_.completed();
  }
}

// --- leases --------------------------------------------------------------------------------------

void Swarm::lease_answered(PieceIndex piece, bool granted, Instant now) {
  for (uint32_t index = 0; index < active_.buffer_count(); ++index) {
    ActivePiece& active = active_.at({index});
    if (active.piece != piece || active.state != ActivePiece::State::leasing) {
      continue;
    }
    if (granted) {
      active.state = ActivePiece::State::receiving;
      active.started_at = now;
    } else {
      active_.finish({index});
      piece_states_[piece.raw] = PieceState::elsewhere;
    }
    fill_all(now);
    return;
  }
  if (granted && piece_states_[piece.raw] != PieceState::had) {
    sink_.return_lease(piece);
  }
}

void Swarm::piece_stored_elsewhere(PieceIndex piece, Instant now) {
  if (piece_states_[piece.raw] == PieceState::had) {
    return;
  }
  give_up_duplicates(piece, BufferIndex{UINT32_MAX});
  now_had(piece, now);
  fill_all(now);
}

void Swarm::lease_freed(PieceIndex piece, Instant now) {
  if (piece_states_[piece.raw] == PieceState::elsewhere) {
    make_missing(piece);
    fill_all(now);
  }
}

// An orphan that nobody on this shard can deliver goes back. When nothing else is left, what other
// shards fetch is asked for again: the ledger knows whether that is worth a second copy.
void Swarm::check_leases(Instant now) {
  if (!config_.leased) {
    return;
  }
  for (uint32_t index = 0; index < active_.buffer_count(); ++index) {
    const ActivePiece& active = active_.at({index});
    if (active.state != ActivePiece::State::receiving || !active.owner.is_none() ||
        now - active.orphaned_at < orphan_patience) {
      continue;
    }
    const PieceIndex piece = active.piece;
    give_up({index});
    if (!is_active_elsewhere(piece, {index})) {
      make_missing(piece);
      sink_.return_lease(piece);
    }
  }
  if (picker_.wanted_count() == 0 && now - leases_retried_at_ > lease_retry_interval) {
    leases_retried_at_ = now;
    for (uint32_t piece = 0; piece < have_.size(); ++piece) {
      if (piece_states_[piece] == PieceState::elsewhere) {
        make_missing({piece});
      }
    }
  }
}

}  // namespace murder::swarm
