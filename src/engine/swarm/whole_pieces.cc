// What becomes of a piece whose bytes are all there, and who on this host fetches it.
#include <algorithm>

#include "engine/base/ensure.h"
#include "engine/swarm/swarm.h"

namespace murder::swarm {

using codec::MessageType;
using codec::PeerMessage;

namespace {

constexpr Duration orphan_patience = std::chrono::milliseconds(200);
constexpr Duration lease_retry_interval = std::chrono::milliseconds(500);

}  // namespace

bool Swarm::may_be_awaited() {
  bool found = config_.leased;
  sessions_.each([&](SessionId, const Session& session) {
    found = found || (session.state == Session::State::open && !session.upload_only);
  });
  return found;
}

void Swarm::piece_verified(BufferIndex buffer, bool matches, Instant now) {
  ActivePiece& active = active_.at(buffer);
  ENSURE(active.state == ActivePiece::State::verifying);
  if (piece_states_[active.piece.raw] == PieceState::had) {
    active_.finish(buffer);  // another copy was faster
    update_free(now);
    return;
  }
  if (!matches) {
    piece_failed(buffer, now);
    return;
  }
  const PieceIndex piece = active.piece;
  contributors_proved(active);
  active.state = ActivePiece::State::storing;
  give_up_duplicates(piece, buffer);
  sink_.store(buffer, piece);
  if (config_.serves_unstored) {
    now_had(piece);
    fill_all(now);
  } else {
    update_free(now);
  }
}

void Swarm::piece_failed(BufferIndex buffer, Instant now) {
  ActivePiece& active = active_.at(buffer);
  const PieceIndex piece = active.piece;
  const std::vector<Contributor> contributors = active.contributors;
  ++stats_.failed_pieces;
  ungrant(active);
  active_.finish(buffer);
  make_missing_unless_active(piece);
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
  if (!stored_.test(piece.raw)) {
    if (!have_.test(piece.raw)) {
      now_had(piece);
    }
    if (config_.leased) {
      sink_.lease_fulfilled(piece);
    }
    now_stored(piece);
  }
  fill_all(now);
}

void Swarm::make_missing(PieceIndex piece) {
  if (piece_states_[piece.raw] != PieceState::missing) {
    piece_states_[piece.raw] = PieceState::missing;
    picker_.want(piece, prng_);
    offer_slot_for(piece);
  }
}

// The piece is missing again (and its lease given back, so that any shard may fetch it), unless
// another copy of it is on its way.
void Swarm::make_missing_unless_active(PieceIndex piece) {
  if (is_active_elsewhere(piece, BufferIndex{UINT32_MAX})) {
    return;
  }
  make_missing(piece);
  if (config_.leased) {
    sink_.return_lease(piece);
  }
}

// An orphan that nobody here can deliver must not keep its buffer: what others have may need it.
void Swarm::check_orphans(Instant now) {
  for (uint32_t index = 0; index < active_.buffer_count(); ++index) {
    const ActivePiece& active = active_.at({index});
    if (active.state != ActivePiece::State::receiving || !active.owner.is_none() ||
        active.missing_count == 0 || now - active.orphaned_at < orphan_patience ||
        has_adopter(active)) {
      continue;
    }
    const PieceIndex piece = active.piece;
    give_up({index});
    make_missing_unless_active(piece);
  }
}

bool Swarm::has_adopter(const ActivePiece& active) {
  bool found = false;
  sessions_.each([&](SessionId, const Session& session) {
    found = found || (may_deliver(session) && may_adopt(active, session));
  });
  return found;
}

void Swarm::now_had(PieceIndex piece) {
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
    update_grantable(id, session);
    if (have_.all() && session.extension_protocol) {
      send_extension_handshake(id, session);  // upload_only (BEP 21)
    }
  });
}

void Swarm::now_stored(PieceIndex piece) {
  stored_.set(piece.raw);
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
      if (active.owner.is_none()) {
        offer_slot_for(piece);  // who was to deliver it left meanwhile
      }
    } else {
      const SessionId owner = active.granted ? active.owner : SessionId{};
      ungrant(active);
      active_.finish({index});
      piece_states_[piece.raw] = PieceState::elsewhere;
      if (Session* session = sessions_.get(owner)) {
        on_grant(owner, *session, codec::any_piece, now);  // for another piece
      }
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
  now_had(piece);
  now_stored(piece);
  fill_all(now);
}

void Swarm::lease_freed(PieceIndex piece, Instant now) {
  if (piece_states_[piece.raw] == PieceState::elsewhere) {
    make_missing(piece);
    fill_all(now);
  }
}

// When nothing else is left, what other shards fetch is asked for again: the ledger knows whether
// that is worth a second copy.
void Swarm::check_leases(Instant now) {
  if (!config_.leased) {
    return;
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
