// What neighbours have and bring, and what becomes of it.
#include "engine/base/ensure.h"
#include "engine/swarm/swarm.h"

namespace murder::swarm {

using codec::MessageType;
using codec::PeerMessage;

// --- what a neighbour has ------------------------------------------------------------------------

void Swarm::on_pieces(SessionId id, Session& session, const PeerMessage& message, Instant now) {
  const bool is_first = session.first_message;
  if (!downloads_.learn_pieces(id, session, message)) {
    end_session(id, CloseReason::protocol_error, now);
    return;
  }
  session.pieces.for_each([&](uint32_t piece) { learn_copy(id, {piece}); });
  grants_.update_grantable(id, session);
  if (is_first) {
    duties_.mark(Duty::grant);
    settle(now);
  }
  downloads_.fill(id, session, now);
}

void Swarm::learn_copy(SessionId id, PieceIndex piece) {
  if (grants_.seen(id, piece)) {
    duties_.mark(Duty::grant);
  }
}

void Swarm::on_have(SessionId id, Session& session, PieceIndex piece, Instant now) {
  if (piece.raw >= context_.pieces.count()) {
    end_session(id, CloseReason::protocol_error, now);
    return;
  }
  session.first_message = false;
  if (!session.pieces.set(piece.raw)) {
    return;
  }
  downloads_.learn_piece(id, session, piece);
  learn_copy(id, piece);
  session.messages.earn();
  session.grants.progressed_at = now;
  if (session.pieces.all()) {
    session.upload_only = true;
  }
  if (session.grants.grants + session.grants.given.unconfirmed() > 0) {
    session.grants.given.has(piece.raw, now);
    end_grant(id, piece, now);
    duties_.mark(Duty::grant);
    settle(now);
  }
  if (context_.pieces.have().test(piece.raw)) {
    grants_.update_grantable(id, session);
    return;
  }
  downloads_.useful_piece(id, session, piece, now);
}

bool Swarm::has_waiting_neighbour() {
  bool found = context_.config.leased;
  context_.sessions.each([&](SessionId, const Session& session) {
    found = found || (session.state == Session::State::open && !session.upload_only);
  });
  return found;
}

// --- payload -------------------------------------------------------------------------------------

uint32_t Swarm::expected(SessionId id, std::span<OutgoingRequest> out) const {
  const Session* session = context_.sessions.get(id);
  return session == nullptr ? 0 : downloads_.requests().expected(*session, out);
}

uint32_t Swarm::bytes_to_gather(SessionId id) const {
  const Session* session = context_.sessions.get(id);
  return session == nullptr ? 1 : BlockRequests::bytes_to_gather(*session);
}

PayloadPlace Swarm::payload_begin(SessionId id, const BlockRange& block, Instant now) {
  Session* session = context_.sessions.get(id);
  if (session == nullptr || session->state != Session::State::open) {
    return {};
  }
  session->received_at = now;
  const std::optional<PayloadPlace> place = downloads_.payload_begin(*session, block, now);
  if (!place) {
    end(id, CloseReason::unrequested_data, now);
    return {};
  }
  return *place;
}

void Swarm::payload_end(SessionId id, Instant now) {
  Session* session = context_.sessions.get(id);
  if (session == nullptr || session->state != Session::State::open || !session->arriving) {
    return;
  }
  session->received_at = now;
  session->snubbed = false;
  session->snub_count = session->grants.in_use ? session->snub_count : 0;
  session->messages.earn();
  if (downloads_.payload_end(id, *session, now)) {
    piece_moved(now);
  }
  downloads_.fill(id, *session, now);
  duties_.mark(Duty::tell_free);
  settle(now);
}

void Swarm::disarmed(SessionId id, Instant now) {
  Session* session = context_.sessions.get(id);
  if (session == nullptr || session->state == Session::State::closing) {
    return;
  }
  downloads_.disarmed(*session);
  duties_.mark(Duty::fill);
  settle(now);
}

// A granted piece that comes too slowly makes room, or is fetched elsewhere.
void Swarm::check_pace(Instant now) {
  downloads_.forget_failures(now);
  bool freed = false;
  for (uint32_t index = 0; index < context_.active.buffer_count(); ++index) {
    const Downloads::Pace pace = downloads_.check_pace({index}, now);
    if (!pace.too_slow.is_none()) {
      end(pace.too_slow, CloseReason::too_slow, now);
    }
    freed = freed || pace.freed;
  }
  if (freed) {
    duties_.mark(Duty::tell_free);
    settle(now);
  }
}

// --- whole pieces --------------------------------------------------------------------------------

void Swarm::piece_verified(BufferIndex buffer, bool matches, Instant now) {
  const PieceIndex piece = context_.active.at(buffer).piece;
  std::optional<Contributor> culprit;
  switch (downloads_.piece_verified(buffer, matches, culprit, now)) {
    case Downloads::Verified::known:
      return;
    case Downloads::Verified::wrong:
      if (culprit) {
        bar(*culprit, now);
        settle(now);
      }
      duties_.mark(Duty::fill);
      settle(now);
      return;
    case Downloads::Verified::right:
      duties_.mark(Duty::grant);  // those who gave it may take more
      break;
  }
  if (context_.config.serves_unstored) {
    mark_have(piece);
    duties_.mark(Duty::fill);
  } else {
    duties_.mark(Duty::tell_free);
  }
  settle(now);
}

void Swarm::piece_stored(BufferIndex buffer, Instant now) {
  const PieceIndex piece = downloads_.piece_stored(buffer);
  if (!context_.pieces.stored().test(piece.raw)) {
    if (!context_.pieces.have().test(piece.raw)) {
      mark_have(piece);
    }
    if (context_.config.leased) {
      context_.sink.lease_fulfilled(piece);
    }
    mark_stored(piece);
  }
  duties_.mark(Duty::fill);
  settle(now);
}

void Swarm::mark_have(PieceIndex piece) {
  context_.pieces.mark_have(piece);
  const bool complete = context_.pieces.have().all();
  context_.sessions.each([&](SessionId id, Session& session) {
    if (session.state != Session::State::open) {
      return;
    }
    context_.sink.send(id, PeerMessage{.type = MessageType::have, .piece = piece});
    if (session.pieces.test(piece.raw)) {
      ENSURE(session.useful_count > 0);
      --session.useful_count;
      downloads_.update_interest(id, session);
    }
    grants_.update_grantable(id, session);
    if (complete && session.extension_protocol) {
      greeting_.send_extensions(id, session);  // upload_only (BEP 21)
    }
  });
}

void Swarm::mark_stored(PieceIndex piece) {
  context_.pieces.mark_stored(piece);
  if (complete()) {
    context_.sink.completed();
  }
}

// --- leases --------------------------------------------------------------------------------------

void Swarm::lease_answered(PieceIndex piece, bool granted, Instant now) {
  SessionId regrant;
  if (!downloads_.lease_answered(piece, granted, regrant, now)) {
    return;
  }
  if (Session* session = context_.sessions.get(regrant)) {
    on_grant(regrant, *session, codec::any_piece, now);  // for another piece
    settle(now);
  }
  duties_.mark(Duty::fill);
  settle(now);
}

void Swarm::piece_stored_elsewhere(PieceIndex piece, Instant now) {
  if (context_.pieces.state(piece) == PieceTable::State::had) {
    return;
  }
  downloads_.give_up_piece(piece);
  mark_have(piece);
  mark_stored(piece);
  duties_.mark(Duty::fill);
  settle(now);
}

void Swarm::lease_freed(PieceIndex piece, Instant now) {
  if (downloads_.lease_freed(piece)) {
    duties_.mark(Duty::fill);
    settle(now);
  }
}

}  // namespace murder::swarm
