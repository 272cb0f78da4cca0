// Whom to promise the next piece.
#include <algorithm>

#include "engine/swarm/bounds.h"
#include "engine/swarm/grant_book.h"

namespace murder::swarm {

using codec::any_piece;
using codec::GrantKind;

namespace {

constexpr uint32_t choices = 2;
constexpr Duration slow_patience_min = std::chrono::milliseconds(300);
constexpr Duration slow_patience_max = std::chrono::seconds(2);

}  // namespace

void GrantBook::give(Instant now) {
  while (!stopping_ && slots_taken_ < slots() && grants_.size() < limits::grants_max &&
         give_one(now)) {
  }
  slots_idled_ = slots_idled_ || slots_taken_ < slots();
}

bool GrantBook::give_one(Instant now) {
  if (grantable_.empty() && grantable_outside_.empty()) {
    return false;
  }
  std::optional<PieceIndex> piece;
  SessionId id;
  if (first_copies_.active()) {
    piece = first_copies_.next(pieces_.picker());
    id = choose_grantee(piece, now);
  }
  if (id.is_none()) {
    piece.reset();  // all are given; or whoever is free has it, or should not get it first
    id = choose_grantee(piece, now);
  }
  if (id.is_none()) {
    return false;
  }
  offer(id, *sessions_.get(id), piece, now);
  return true;
}

// It is free and lacks something that we have. Such sessions stand in one of two sets, mates and
// others.
bool GrantBook::is_grantable(const Session& session) const {
  return session.state == Session::State::open && session.grants.spoken &&
         session.grants.peer_free && lacks_something(pieces_.have(), session);
}

void GrantBook::update_grantable(SessionId id, const Session& session) {
  const bool grantable = is_grantable(session);
  const bool outside = rack_.is_outside(session);
  grantable_.set(id.slot, grantable && !outside);
  grantable_outside_.set(id.slot, grantable && outside);
}

// It was given as much as it may have before it says HAVE; or it is new, and others at its address
// let us down.
bool GrantBook::takes_without_a_word(const Session& session, Instant now) const {
  return !session.grants.given.may_have_more(session.grants.grants) ||
         (session.grants.given.confirmed() == 0 && !session.proven &&
          addresses_.waits(session.remote.address, now));
}

bool GrantBook::is_only_one_lacking(const Session& session) const {
  return std::none_of(sessions_.by_slot().begin(), sessions_.by_slot().end(), [&](SessionId id) {
    const Session* other = sessions_.get(id);
    return other != nullptr && other != &session && other->state == Session::State::open &&
           lacks_something(pieces_.have(), *other);
  });
}

bool GrantBook::may_grant(const Session& session, std::optional<PieceIndex> piece,
                          Instant now) const {
  if (takes_without_a_word(session, now) && !is_only_one_lacking(session)) {
    return false;
  }
  const uint64_t backlog_bytes_max = uint64_t{slots()} * config_.geometry.piece_bytes;
  if (now < session.grants.granted_again_at || session.grants.grants >= slots() ||
      session.grants.asked_bytes >= backlog_bytes_max) {
    return false;
  }
  const Grant::Place place = place_of(session);
  if (place == Grant::Place::trial &&
      (session.grants.grants > 0 || on_trial_ >= limits::grants_on_trial_max)) {
    return false;
  }
  if (piece && (session.pieces.test(piece->raw) || rates_.is_slow(session) ||
                session.grants.unused_in_row > 0)) {
    return false;
  }
  // On a slow link we serve who gets nothing from others.
  const Duration patience =
      std::clamp(4 * rates_.link().piece_duration(), slow_patience_min, slow_patience_max);
  if (rates_.own_link_is_slow() && !piece && now - session.grants.progressed_at < patience) {
    return false;
  }
  return to_slow_ < limits::grants_to_slow_max || place != Grant::Place::slow;
}

// A host that leaves grants unused must not keep a slot from others for long, nor many such that
// come one after the other.
Grant::Place GrantBook::place_of(const Session& session) const {
  const GrantState& grants = session.grants;
  if (grants.unused_in_row > 0 || (!grants.took_piece && unanswered_.more_than(slots()))) {
    return Grant::Place::trial;
  }
  return rates_.is_slow(session) ? Grant::Place::slow : Grant::Place::slot;
}

// Others before mates, unless they had their part. Those first to whom nothing of ours is under
// way; of two such at random, the one that has less: else how far hosts are drifts apart, and the
// last one is late. (Two choices: Mitzenmacher 2001. More are worse: all would serve the same
// ones.)
SessionId GrantBook::choose_grantee(std::optional<PieceIndex> piece, Instant now) {
  const bool mates_first = !first_copies_.active() && rack_.gives_outside_enough();
  for (const policy::SlotSet* set : {mates_first ? &grantable_ : &grantable_outside_,
                                     mates_first ? &grantable_outside_ : &grantable_}) {
    const uint32_t count = set->size();
    const uint32_t start = count > 1 ? prng_.below(count) : 0;
    SessionId best;
    uint32_t least_grants = UINT32_MAX;
    uint32_t least_pieces = UINT32_MAX;
    uint32_t compared = 0;
    for (uint32_t step = 0; step < count && compared < choices; ++step) {
      const SessionId id = sessions_.by_slot()[set->at((start + step) % count)];
      const Session& session = *sessions_.get(id);
      if (session.grants.grants > least_grants || !may_grant(session, piece, now)) {
        continue;
      }
      const bool fewer_grants = session.grants.grants < least_grants;
      const uint32_t pieces = session.pieces.count() + session.grants.given.unconfirmed();
      if (fewer_grants || pieces < least_pieces) {
        best = id;
        least_pieces = pieces;
      }
      least_grants = session.grants.grants;
      compared += least_grants == 0 ? 1U : 0U;
    }
    if (!best.is_none()) {
      return best;
    }
  }
  return {};
}

void GrantBook::offer(SessionId id, Session& session, std::optional<PieceIndex> piece,
                      Instant now) {
  const uint32_t named = piece ? piece->raw : any_piece;
  const Grant::Place place = place_of(session);
  grants_.push_back({.session = id, .piece = named, .place = place, .at = now});
  ++session.grants.grants;
  ++count_of(place);
  if (piece) {
    first_copies_.give(*piece, id.slot, now);
  }
  session.sent_at = now;
  send(sink_, id, session, GrantKind::grant, named);
}

}  // namespace murder::swarm
