// Grants at the uploader: whom to promise the next piece.
#include <algorithm>

#include "engine/base/ensure.h"
#include "engine/swarm/bounds.h"
#include "engine/swarm/swarm.h"

namespace murder::swarm {

using codec::any_piece;
using codec::GrantKind;

namespace {

// A neighbour that refused this often in a row is asked more seldom.
constexpr uint32_t refusals_free = 8;
constexpr uint32_t refusal_doublings_max = 8;
constexpr uint32_t choices = 2;
constexpr Duration refusal_pause = std::chrono::milliseconds(10);
// Who leaves grants unused is granted again after this, then twice as long, and so on.
constexpr Duration unused_pause = std::chrono::milliseconds(640);
constexpr uint32_t unused_doublings_max = 7;
constexpr Duration slow_patience_min = std::chrono::milliseconds(300);
constexpr Duration slow_patience_max = std::chrono::seconds(2);

}  // namespace

bool Swarm::lacks_something(const Session& session) const {
  return have_.count() > session.pieces.count() - session.useful_count;
}

// It is free and lacks something that we have. Such sessions stand in one of two sets, mates and
// others.
bool Swarm::is_grantable(const Session& session) const {
  return session.state == Session::State::open && session.grants.spoken &&
         session.grants.peer_free && lacks_something(session);
}

void Swarm::update_grantable(SessionId id, const Session& session) {
  const bool grantable = is_grantable(session);
  const bool outside = is_outside(session);
  grantable_.set(id.slot, grantable && !outside);
  grantable_outside_.set(id.slot, grantable && outside);
}

void Swarm::grant_more(Instant now) {
  while (!stopping_ && slots_taken_ < upload_slots() && grants_.size() < limits::grants_max &&
         grant_one(now)) {
  }
  uploads_idled_ = uploads_idled_ || slots_taken_ < upload_slots();
}

bool Swarm::grant_one(Instant now) {
  if (grantable_.empty() && grantable_outside_.empty()) {
    return false;
  }
  std::optional<PieceIndex> piece;
  SessionId id;
  if (first_copies_.active()) {
    piece = first_copies_.next(picker_);
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

// It was given as much as it may have before it says HAVE; or it is new, and others at its address
// let us down.
bool Swarm::takes_without_a_word(const Session& session, Instant now) const {
  return !session.grants.given.may_have_more(session.grants.grants) ||
         (session.grants.given.confirmed() == 0 && !session.proven &&
          addresses_.waits(session.remote.address, now));
}

bool Swarm::is_only_one_lacking(const Session& session) const {
  return std::none_of(by_slot_.begin(), by_slot_.end(), [&](SessionId id) {
    const Session* other = sessions_.get(id);
    return other != nullptr && other != &session && other->state == Session::State::open &&
           lacks_something(*other);
  });
}

bool Swarm::may_grant(const Session& session, std::optional<PieceIndex> piece, Instant now) const {
  if (takes_without_a_word(session, now) && !is_only_one_lacking(session)) {
    return false;
  }
  const uint64_t backlog_bytes_max = uint64_t{upload_slots()} * config_.geometry.piece_bytes;
  if (now < session.grants.granted_again_at || session.grants.grants >= upload_slots() ||
      session.grants.asked_bytes >= backlog_bytes_max) {
    return false;
  }
  const Grant::Place place = place_of(session);
  if (place == Grant::Place::trial &&
      (session.grants.grants > 0 || grants_on_trial_ >= limits::grants_on_trial_max)) {
    return false;
  }
  if (piece &&
      (session.pieces.test(piece->raw) || is_slow(session) || session.grants.unused_in_row > 0)) {
    return false;
  }
  // On a slow link we serve who gets nothing from others.
  const Duration patience =
      std::clamp(4 * link_.piece_duration(), slow_patience_min, slow_patience_max);
  if (slow_self_ && !piece && now - session.grants.progressed_at < patience) {
    return false;
  }
  return grants_to_slow_ < limits::grants_to_slow_max || place != Grant::Place::slow;
}

// A host that leaves grants unused must not keep a slot from others for long, nor many such that
// come one after the other.
Grant::Place Swarm::place_of(const Session& session) const {
  const GrantState& grants = session.grants;
  if (grants.unused_in_row > 0 ||
      (!grants.took_piece && unanswered_grants_.more_than(upload_slots()))) {
    return Grant::Place::trial;
  }
  return is_slow(session) ? Grant::Place::slow : Grant::Place::slot;
}

uint32_t& Swarm::grant_count(Grant::Place place) {
  switch (place) {
    case Grant::Place::slot:
      return slots_taken_;
    case Grant::Place::slow:
      return grants_to_slow_;
    case Grant::Place::trial:
      return grants_on_trial_;
  }
  ENSURE(false);
}

// Others before mates, unless they had their part. Those first to whom nothing of ours is under
// way; of two such at random, the one that has less: else how far hosts are drifts apart, and the
// last one is late. (Two choices: Mitzenmacher 2001. More are worse: all would serve the same
// ones.)
SessionId Swarm::choose_grantee(std::optional<PieceIndex> piece, Instant now) {
  const bool mates_first = gives_outside_enough();
  for (const policy::SlotSet* set : {mates_first ? &grantable_ : &grantable_outside_,
                                     mates_first ? &grantable_outside_ : &grantable_}) {
    const uint32_t count = set->size();
    const uint32_t start = count > 1 ? prng_.below(count) : 0;
    SessionId best;
    uint32_t least_grants = UINT32_MAX;
    uint32_t least_pieces = UINT32_MAX;
    uint32_t compared = 0;
    for (uint32_t step = 0; step < count && compared < choices; ++step) {
      const SessionId id = by_slot_[set->at((start + step) % count)];
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

void Swarm::offer(SessionId id, Session& session, std::optional<PieceIndex> piece, Instant now) {
  const uint32_t named = piece ? piece->raw : any_piece;
  const Grant::Place place = place_of(session);
  grants_.push_back({.session = id, .piece = named, .place = place, .at = now});
  ++session.grants.grants;
  ++grant_count(place);
  if (piece) {
    first_copies_.give(*piece, id.slot, now);
  }
  session.sent_at = now;
  say(id, session, GrantKind::grant, named);
}

void Swarm::remove_grant(size_t position) {
  const Grant& grant = grants_[position];
  --sessions_.get(grant.session)->grants.grants;
  --grant_count(grant.place);
  if (!grant.accepted && grant.piece != any_piece) {
    first_copies_.take_back({grant.piece});
  }
  grants_[position] = grants_.back();
  grants_.pop_back();
}

// Whether the peer may ask for this block; its first request takes the grant up.
bool Swarm::is_granted(SessionId id, Session& session, const BlockRange& block, Instant now) {
  const uint32_t piece_bytes = config_.geometry.piece_size(block.piece);
  Grant* open = nullptr;
  for (Grant& grant : grants_) {
    const bool fits = grant.session == id && grant.asked_bytes + block.size_bytes <= piece_bytes;
    if (fits && grant.piece == block.piece.raw) {
      open = &grant;
      break;
    }
    const bool is_older = open == nullptr || grant.at < open->at;
    if (fits && !grant.accepted && grant.piece == any_piece && is_older) {
      open = &grant;  // they are taken up in the order in which they were offered
    }
  }
  if (open == nullptr) {
    return false;
  }
  if (!open->accepted) {
    link_.round_trip(now - open->at);
    open->accepted = true;
    open->piece = block.piece.raw;
    open->at = now;
    session.grants.refused_in_row = 0;
  }
  open->asked_bytes += block.size_bytes;
  return true;
}

void Swarm::grant_unused(Session& session, Instant now) {
  if (now < session.grants.granted_again_at) {
    return;  // one of several
  }
  const uint32_t doublings = std::min(session.grants.unused_in_row++, unused_doublings_max);
  session.grants.granted_again_at = now + unused_pause * (1 << doublings);
}

// It takes what it is sent: that it did not for a while may have been our doing.
void Swarm::grant_used(Session& session, Instant now) {
  if (session.grants.unused_in_row > 0) {
    session.grants.unused_in_row = 0;
    session.grants.granted_again_at = std::min(session.grants.granted_again_at, now + unused_pause);
  }
}

void Swarm::grant_refused(Session& session, Instant now) {
  if (++session.grants.refused_in_row > refusals_free) {
    const uint32_t doublings =
        std::min(session.grants.refused_in_row - refusals_free, refusal_doublings_max);
    session.grants.granted_again_at = now + refusal_pause * (1 << doublings);
  }
}

void Swarm::on_decline(SessionId id, Session& session, uint32_t piece, Instant now) {
  size_t found = grants_.size();
  for (size_t position = 0; position < grants_.size(); ++position) {
    const Grant& grant = grants_[position];
    if (grant.session != id || grant.accepted) {
      continue;
    }
    // They are answered in the order in which they were offered.
    const bool is_meant = grant.piece == piece;
    const bool was_meant = found < grants_.size() && grants_[found].piece == piece;
    if (found == grants_.size() || (is_meant && !was_meant) ||
        (is_meant == was_meant && grant.at < grants_[found].at)) {
      found = position;
    }
  }
  if (found == grants_.size()) {
    return;
  }
  link_.round_trip(now - grants_[found].at);
  remove_grant(found);
  session.grants.peer_free = false;
  grant_refused(session, now);
  update_grantable(id, session);
  update_free(now);
  grant_more(now);
}

// The piece is nearly there, or had: its slot is free.
void Swarm::end_grant(SessionId id, PieceIndex piece, Instant now) {
  for (size_t position = 0; position < grants_.size(); ++position) {
    const Grant& grant = grants_[position];
    if (grant.session == id && grant.accepted && grant.piece == piece.raw) {
      Session& session = *sessions_.get(id);
      session.grants.took_piece = true;
      remove_grant(position);
      session.grants.given.gave(piece.raw, now);
      if (session.pieces.test(piece.raw)) {
        session.grants.given.has(piece.raw, now);
      }
      piece_moved(now);
      return;
    }
  }
}

void Swarm::end_grants(SessionId id) {
  for (size_t position = grants_.size(); position > 0; --position) {
    if (grants_[position - 1].session == id) {
      remove_grant(position - 1);
    }
  }
  first_copies_.lost(id.slot);
}

void Swarm::end_cancelled_grant(SessionId id, const Session& session, PieceIndex piece,
                                Instant now) {
  for (uint32_t position = 0; position < session.asked.size(); ++position) {
    if (session.asked.at(position).piece == piece) {
      return;
    }
  }
  end_grant(id, piece, now);
  grant_more(now);
}

}  // namespace murder::swarm
