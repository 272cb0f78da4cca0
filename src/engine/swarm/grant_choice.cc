// Whom to promise the next piece.
#include <algorithm>

#include "engine/base/ensure.h"
#include "engine/swarm/bounds.h"
#include "engine/swarm/grant_book.h"

namespace murder::swarm {

using codec::any_piece;
using codec::GrantKind;

namespace {

// Pieces that others get before one that only takes gets one.
constexpr uint32_t given_between_takers = 32;

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
  return session.state == Session::State::open && session.grants.in_use &&
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

policy::Grantee GrantBook::grantee_of(const Session& session, PieceIndex named) const {
  return {.grants = session.grants.grants,
          .asked_bytes = session.grants.asked_bytes,
          .has_named_piece = named.raw != any_piece && session.pieces.test(named.raw),
          .is_slow = rates_.is_slow(session),
          .only_takes = session.only_takes(sessions_.has_takers()),
          .gave = session.proven || session.grants.spread_copies > 0,
          .took_piece = session.grants.took_piece,
          .unused_in_row = session.grants.unused_in_row,
          .granted_again_at = session.grants.granted_again_at,
          .progressed_at = session.grants.progressed_at};
}

bool GrantBook::trusts_newcomers() const {
  return !unanswered_.exceeds(slots());
}

policy::Uploader GrantBook::uploader(bool names_piece, Instant now) const {
  return {.now = now,
          .slots = slots(),
          .piece_bytes = config_.geometry.piece_bytes,
          .names_piece = names_piece,
          .trusts_newcomers = trusts_newcomers(),
          .has_slow_place = to_slow_ < limits::grants_to_slow_max,
          .has_trial_place = on_trial_ < limits::grants_on_trial_max,
          .has_taker_place =
              to_takers_ == 0 && (grants_.empty() || given_since_taker_ >= given_between_takers),
          .link_is_slow = rates_.own_link_is_slow(),
          .piece_duration = rates_.link().piece_duration()};
}

bool GrantBook::may_grant(const Session& session, PieceIndex named,
                          const policy::Uploader& uploader) const {
  return (!takes_without_a_word(session, uploader.now) || is_only_one_lacking(session)) &&
         policy::may_grant(grantee_of(session, named), uploader);
}

// Of those that take more than they give, first the ones that gave something.
SessionId GrantBook::choose_grantee(std::optional<PieceIndex> piece, Instant now) {
  policy::Uploader us = uploader(piece.has_value(), now);
  us.serves_all_takers = false;
  SessionId id = choose_grantee(piece, us);
  if (id.is_none() && us.has_taker_place && !us.names_piece) {
    us.serves_all_takers = true;
    id = choose_grantee(piece, us);
  }
  return id;
}

// Others before mates, unless they had their part.
SessionId GrantBook::choose_grantee(std::optional<PieceIndex> piece, const policy::Uploader& us) {
  const bool mates_first = !first_copies_.active() && rack_.gives_outside_enough();
  const PieceIndex named = piece.value_or(PieceIndex{any_piece});
  for (const policy::SlotSet* set : {mates_first ? &grantable_ : &grantable_outside_,
                                     mates_first ? &grantable_outside_ : &grantable_}) {
    const uint32_t count = set->size();
    const uint32_t start = count > 1 ? prng_.below(count) : 0;
    SessionId best;
    policy::GranteeChoice choice;
    for (uint32_t step = 0; step < count && !choice.is_made(); ++step) {
      const SessionId id = sessions_.by_slot()[set->at((start + step) % count)];
      const Session& session = *sessions_.get(id);
      ENSURE(session.state == Session::State::open);
      if (!choice.may_be_better(session.grants.grants) || !may_grant(session, named, us)) {
        continue;
      }
      if (choice.is_best(session.grants.grants,
                         session.pieces.count() + session.grants.given.unconfirmed())) {
        best = id;
      }
    }
    if (!best.is_none()) {
      return best;
    }
  }
  return {};
}

void GrantBook::offer(SessionId id, Session& session, std::optional<PieceIndex> piece,
                      Instant now) {
  ENSURE(session.state == Session::State::open && session.grants.in_use);
  ENSURE(grants_.size() < limits::grants_max);
  const uint32_t named = piece ? piece->raw : any_piece;
  const Grant::Place place = policy::place_of(grantee_of(session, {named}), trusts_newcomers());
  grants_.push_back({.session = id, .piece = named, .place = place, .at = now});
  ++session.grants.grants;
  ++count_of(place);
  if (place == Grant::Place::taker) {
    given_since_taker_ = 0;
  }
  if (piece) {
    first_copies_.give(*piece, id.slot, now);
    session.grants.was_named_one = true;
  }
  session.sent_at = now;
  send(sink_, id, session, GrantKind::grant, named);
}

}  // namespace murder::swarm
