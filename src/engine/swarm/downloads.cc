#include "engine/swarm/downloads.h"

#include "engine/base/ensure.h"
#include "engine/swarm/adoption.h"
#include "engine/swarm/bounds.h"

namespace murder::swarm {

namespace {

constexpr Duration snub_pause = std::chrono::seconds(2);
// A grant may have been void by the time that it was taken up.
constexpr Duration rejected_pause = std::chrono::milliseconds(100);
constexpr Duration orphan_patience = std::chrono::milliseconds(200);
constexpr policy::SilenceBounds silence_bounds{.snub_soon_after = limits::request_snub_soon_after,
                                               .snub_after = limits::request_snub_after,
                                               .stuck_after = limits::block_stuck_after,
                                               .timeout = limits::request_timeout};

}  // namespace

Downloads::Downloads(Context& context, const LinkRates& rates, RackShares& rack)
    : config_(context.config),
      sink_(context.sink),
      prng_(context.prng),
      stopping_(context.stopping),
      stats_(context.stats),
      sessions_(context.sessions),
      pieces_(context.pieces),
      active_(context.active),
      rates_(rates),
      rack_(rack),
      requests_(context),
      stock_(context),
      granted_(context, rates, rack),
      sources_(context, rates) {}

// --- asking --------------------------------------------------------------------------------------

// Stock clients are asked as much as their window allows, our own for what they granted.
void Downloads::fill(SessionId id, Session& session, Instant now) {
  if (session.grants.in_use) {
    fill_granted(id, session, now);
  } else {
    fill_stock(id, session, now);
  }
}

void Downloads::fill_stock(SessionId id, Session& session, Instant now) {
  ENSURE(!session.grants.in_use);
  if (session.state != Session::State::open || session.peer_choking || !session.interested ||
      stopping_ || now < session.asks_again_at ||
      !sources_.may_ask_stock(id, session, granted_.slots(), now)) {
    return;
  }
  const uint32_t window = requests_.window(session);
  while (session.requested_bytes < window && session.has_room_for_request() &&
         choose_piece(id, session, now)) {
    if (active_.at(*session.current).state == ActivePiece::State::leasing) {
      break;  // lease_answered goes on
    }
    requests_.ask(id, session, *session.current, BlockRequests::block_bytes(session, window), now);
  }
  update_free(now);
}

void Downloads::fill_granted(SessionId id, Session& session, Instant now) {
  ENSURE(session.grants.in_use);
  if (session.state != Session::State::open || stopping_) {
    return;
  }
  const uint32_t window_bytes = rates_.link().window_bytes();
  for (const uint32_t index : active_.used()) {
    const ActivePiece& active = active_.at({index});
    while (granted_.may_ask(active, id, session, window_bytes)) {
      requests_.ask(id, session, {index}, GrantedPieces::block_bytes(active, session), now);
    }
  }
}

void Downloads::fill_all(Instant now) {
  for (const uint32_t index : active_.used()) {
    const ActivePiece& active = active_.at({index});
    Session* owner =
        active.granted && active.missing_count > 0 ? sessions_.get(active.owner) : nullptr;
    if (owner != nullptr) {
      fill_granted(active.owner, *owner, now);
    }
  }
  if (sessions_.stock_count() > 0) {
    sessions_.each([&](SessionId id, Session& session) {
      if (!session.grants.in_use) {
        fill_stock(id, session, now);
      }
    });
  }
  update_free(now);
}

bool Downloads::choose_piece(SessionId id, Session& session, Instant now) {
  if (stock_.goes_on(id, session)) {
    return true;
  }
  session.current.reset();
  const PieceChoice choice = stock_.choose(id, session, now);
  if (choice.kind == PieceChoice::Kind::none) {
    return false;
  }
  session.current = begin(choice, id, session, now);
  session.current_piece = active_.at(*session.current).piece;
  return true;
}

BufferIndex Downloads::begin(const PieceChoice& choice, SessionId id, const Session& session,
                             Instant now) {
  BufferIndex buffer = choice.buffer;
  switch (choice.kind) {
    case PieceChoice::Kind::adopt:
      ENSURE(active_.at(buffer).state == ActivePiece::State::receiving);
      active_.at(buffer).owner = id;
      active_.at(buffer).solo = active_.at(buffer).solo || session.suspect;
      return buffer;
    case PieceChoice::Kind::join:
      return buffer;
    case PieceChoice::Kind::duplicate:
      buffer = active_.start(active_.at(buffer).piece, id, false, now);
      active_.at(buffer).solo = true;
      return buffer;
    case PieceChoice::Kind::start:
      pieces_.mark_active(choice.piece);
      buffer = active_.start(choice.piece, id, config_.leased, now);
      active_.at(buffer).solo = pieces_.is_suspicious(choice.piece) || session.suspect;
      if (config_.leased) {
        sink_.request_lease(choice.piece);
      }
      return buffer;
    case PieceChoice::Kind::none:
      break;
  }
  ENSURE(false);
}

// --- answers -------------------------------------------------------------------------------------

bool Downloads::payload_end(SessionId id, Session& session, Instant now) {
  if (session.grants.rack_mate && !session.grants.covers_rack) {
    rack_.cover(id, session);
  }
  const std::optional<BufferIndex> buffer = requests_.end(id, session, now);
  if (!buffer) {
    return false;
  }
  ActivePiece& active = active_.at(*buffer);
  session.grants.declined_since_payload = 0;
  if (granted_.progressed(active)) {
    update_free(now);
  }
  if (active.missing_count > 0 || active.requested_count > 0) {
    return false;
  }
  ENSURE(active.state == ActivePiece::State::receiving);
  active.state = ActivePiece::State::verifying;
  sources_.piece_moved();
  sink_.verify(*buffer, active.piece);
  granted_.whole();
  return true;
}

void Downloads::rejected(SessionId id, Session& session, const BlockRange& block, Instant now) {
  if (!requests_.rejected(id, session, block, now)) {
    return;
  }
  if (session.grants.in_use) {
    grant_failed(id, session, rejected_pause, now);
  } else {
    let_go_of_pieces(id, session, now);
  }
}

// --- taking back ---------------------------------------------------------------------------------

void Downloads::let_go_of_pieces(SessionId id, Session& session, Instant now) {
  session.current.reset();
  for (uint32_t index = 0; index < active_.buffer_count(); ++index) {
    ActivePiece& active = active_.at({index});
    if (active.owner != id || (active.state != ActivePiece::State::receiving &&
                               active.state != ActivePiece::State::leasing)) {
      continue;
    }
    active.owner = {};
    active.orphaned_at = now;
    ungrant(active);
    if (active.solo) {
      active_.restart({index});
    }
    granted_.offer_slot_for(active.piece);
  }
  update_free(now);
}

policy::SilenceVerdict Downloads::judge_silence(SessionId id, const Session& session,
                                                Instant now) const {
  policy::Silence silence{.is_own = session.grants.in_use,
                          .piece_duration = rates_.link().piece_duration(),
                          .waited = now - session.payload_at,
                          .arrives = session.arriving.has_value(),
                          .has_requests = !session.requested.empty()};
  if ((!silence.arrives && !silence.has_requests) ||
      silence.waited <= policy::silence_patience(silence, silence_bounds)) {
    return policy::SilenceVerdict::wait;
  }
  silence.has_idle_alternative = sources_.has_alternative_to(id, session, true);
  silence.has_alternative = sources_.has_alternative_to(id, session, false);
  return policy::judge_silence(silence, silence_bounds);
}

void Downloads::snub(SessionId id, Session& session, Instant now) {
  uncover_rack(id, session);
  grant_failed(id, session, snub_pause, now);
}

void Downloads::grant_failed(SessionId id, Session& session, Duration pause, Instant now) {
  sources_.failed(session, pause, now);
  requests_.revoke_all(id, session, true);
  let_go_of_pieces(id, session, now);
}

void Downloads::ungrant(ActivePiece& active) {
  granted_.end(active);
  rack_.unclaim(active);
}

void Downloads::give_up(BufferIndex buffer) {
  ActivePiece& active = active_.at(buffer);
  ENSURE(active.state == ActivePiece::State::receiving ||
         active.state == ActivePiece::State::leasing);
  active.state = ActivePiece::State::draining;
  active.owner = {};
  ungrant(active);
  requests_.revoke_buffer(buffer);
}

void Downloads::give_up_duplicates(PieceIndex piece, BufferIndex keep) {
  for (uint32_t index = 0; index < active_.buffer_count(); ++index) {
    const ActivePiece& active = active_.at({index});
    if (index != keep.raw && active.piece == piece &&
        (active.state == ActivePiece::State::receiving ||
         active.state == ActivePiece::State::leasing)) {
      give_up({index});
    }
  }
}

void Downloads::make_missing(PieceIndex piece) {
  if (pieces_.mark_missing(piece, prng_)) {
    granted_.offer_slot_for(piece);
  }
}

// The piece is missing again (and its lease given back, so that any shard may fetch it), unless
// another copy of it is on its way.
void Downloads::make_missing_unless_active(PieceIndex piece) {
  if (active_.has_other(piece, BufferIndex{UINT32_MAX})) {
    return;
  }
  make_missing(piece);
  if (config_.leased) {
    sink_.return_lease(piece);
  }
}

// An orphan that nobody here can deliver must not keep its buffer: what others have may need it.
void Downloads::check_orphans(Instant now) {
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

bool Downloads::has_adopter(const ActivePiece& active) const {
  bool found = false;
  sessions_.each([&](SessionId, const Session& session) {
    found = found || (Sources::may_deliver(session) && may_adopt(active, session));
  });
  return found;
}

}  // namespace murder::swarm
