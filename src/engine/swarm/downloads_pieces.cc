// What neighbours have, and what becomes of a piece whose bytes are all there.
#include "engine/base/ensure.h"
#include "engine/swarm/downloads.h"

namespace murder::swarm {

using codec::MessageType;
using codec::PeerMessage;

namespace {

constexpr Duration lease_retry_interval = std::chrono::milliseconds(500);

}  // namespace

// --- what a neighbour has ------------------------------------------------------------------------

// BEP 3 has a bitfield come first only, but aria2 sends one whenever it is shorter than the HAVEs
// that are due. It adds to what is known: nobody loses a piece.
bool Downloads::learn_pieces(SessionId id, Session& session, const PeerMessage& message) {
  const bool is_first = session.first_message;
  BitSet told(session.pieces.size());
  if (message.type == MessageType::have_all) {
    told.set_all();
  } else if (message.type == MessageType::bitfield && !told.from_wire(message.payload)) {
    return false;
  }
  session.first_message = false;
  if (is_first) {
    session.counted_as_seed = told.all();
  }
  told.for_each([&](uint32_t piece) {
    if (session.pieces.set(piece)) {
      learn_piece(id, session, {piece});
      session.useful_count += pieces_.have().test(piece) ? 0U : 1U;
    }
  });
  session.upload_only = session.upload_only || session.pieces.all();
  update_interest(id, session);
  return true;
}

void Downloads::learn_piece(SessionId id, const Session& session, PieceIndex piece) {
  ENSURE(session.pieces.test(piece.raw));
  if (!session.counted_as_seed) {
    pieces_.neighbour_has(piece, prng_);
  }
  rack_.mate_has(id, session, piece);
}

void Downloads::useful_piece(SessionId id, Session& session, PieceIndex piece, Instant now) {
  ENSURE(!pieces_.have().test(piece.raw));
  ++session.useful_count;
  update_interest(id, session);
  if (!session.grants.in_use) {
    fill_stock(id, session, now);
  } else if (!granted_.tell_free_for(id, session, piece) && pieces_.picker().wanted_count() == 0) {
    update_free(now);
  }
}

void Downloads::forget_pieces(Session& session) {
  if (!session.counted_as_seed) {
    session.pieces.for_each([&](uint32_t piece) { pieces_.neighbour_lost({piece}, prng_); });
  }
  ENSURE(session.state != Session::State::open);
  session.pieces.reset_all();
  session.counted_as_seed = false;
  session.useful_count = 0;
}

void Downloads::update_interest(SessionId id, Session& session) {
  const bool interested = session.useful_count > 0;
  if (session.state == Session::State::open && session.interested != interested) {
    session.interested = interested;
    send(sink_, id, interested ? MessageType::interested : MessageType::not_interested);
  }
}

// --- whole pieces --------------------------------------------------------------------------------

Downloads::Verified Downloads::piece_verified(BufferIndex buffer, bool matches,
                                              std::optional<Contributor>& culprit, Instant now) {
  ActivePiece& active = active_.at(buffer);
  ENSURE(active.state == ActivePiece::State::verifying);
  ENSURE(active.missing_count == 0 && active.requested_count == 0);
  ENSURE(!active.contributors.empty());
  const PieceIndex piece = active.piece;
  if (pieces_.state(piece) == PieceTable::State::had) {
    active_.finish(buffer);
    update_free(now);
    return Verified::known;
  }
  if (matches) {
    contributors_proved(active);
    active.state = ActivePiece::State::storing;
    give_up_duplicates(piece, buffer);
    sink_.store(buffer, piece);
    return Verified::right;
  }
  const std::vector<Contributor> contributors = active.contributors;
  ++stats_.failed_pieces;
  ungrant(active);
  active_.finish(buffer);
  make_missing_unless_active(piece);
  if (contributors.size() == 1) {
    culprit = contributors.front();
    return Verified::wrong;
  }
  pieces_.mark_suspicious(piece);
  for (const Contributor& contributor : contributors) {
    if (Session* session = sessions_.get(contributor.session)) {
      session->suspect = true;
    }
  }
  return Verified::wrong;
}

void Downloads::contributors_proved(const ActivePiece& active) {
  for (const Contributor& contributor : active.contributors) {
    Session* session = sessions_.get(contributor.session);
    if (session == nullptr) {
      continue;
    }
    sessions_.gave(*session);
    if (sources_.proved(*session)) {
      granted_.tell_free_if_useful(contributor.session, *session);  // its grants were declined
    }
  }
}

PieceIndex Downloads::piece_stored(BufferIndex buffer) {
  ENSURE(active_.at(buffer).state == ActivePiece::State::storing);
  const PieceIndex piece = active_.at(buffer).piece;
  active_.finish(buffer);
  return piece;
}

void Downloads::give_up_piece(PieceIndex piece) {
  give_up_duplicates(piece, BufferIndex{UINT32_MAX});
}

// --- leases --------------------------------------------------------------------------------------

bool Downloads::lease_answered(PieceIndex piece, bool granted, SessionId& regrant, Instant now) {
  for (uint32_t index = 0; index < active_.buffer_count(); ++index) {
    ActivePiece& active = active_.at({index});
    if (active.piece != piece || active.state != ActivePiece::State::leasing) {
      continue;
    }
    ENSURE(config_.leased && active.requested_count == 0);
    if (granted) {
      active.state = ActivePiece::State::receiving;
      active.started_at = now;
      if (active.owner.is_none()) {
        granted_.offer_slot_for(piece);  // who was to deliver it left meanwhile
      }
    } else {
      regrant = active.granted ? active.owner : SessionId{};
      ungrant(active);
      active_.finish({index});
      pieces_.mark_elsewhere(piece);
    }
    return true;
  }
  if (granted && pieces_.state(piece) != PieceTable::State::had) {
    sink_.return_lease(piece);
  }
  return false;
}

bool Downloads::lease_freed(PieceIndex piece) {
  if (pieces_.state(piece) != PieceTable::State::elsewhere) {
    return false;
  }
  make_missing(piece);
  return true;
}

// When nothing else is left, what other shards fetch is asked for again: the ledger knows whether
// that is worth a second copy.
void Downloads::check_leases(Instant now) {
  if (!config_.leased) {
    return;
  }
  if (pieces_.picker().wanted_count() == 0 && now - leases_retried_at_ > lease_retry_interval) {
    leases_retried_at_ = now;
    for (uint32_t piece = 0; piece < pieces_.count(); ++piece) {
      if (pieces_.state({piece}) == PieceTable::State::elsewhere) {
        make_missing({piece});
      }
    }
  }
}

}  // namespace murder::swarm
