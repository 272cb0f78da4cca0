#include "engine/swarm/grant_book.h"

#include <algorithm>

#include "engine/base/ensure.h"
#include "engine/swarm/bounds.h"

namespace murder::swarm {

using codec::any_piece;
using codec::GrantKind;

namespace {

// An offered grant that is not answered, and an accepted one of which nothing is heard.
constexpr Duration answer_patience = std::chrono::milliseconds(500);
constexpr Duration newcomer_answers_within = std::chrono::milliseconds(100);
constexpr Duration ending_patience_min = std::chrono::seconds(2);
// A neighbour that takes nothing for this long holds no slot.
constexpr Duration grant_stalled_after = std::chrono::milliseconds(300);
constexpr uint32_t slots_until = 4;         // in all, where more than usual are open
constexpr uint32_t seeder_slots_until = 8;  // whose link may be much faster

}  // namespace

GrantBook::GrantBook(Context& context, const LinkRates& rates, const RackShares& rack)
    : config_(context.config),
      sink_(context.sink),
      prng_(context.prng),
      stopping_(context.stopping),
      sessions_(context.sessions),
      pieces_(context.pieces),
      addresses_(context.addresses),
      rates_(rates),
      rack_(rack),
      grantable_(config_.sessions_max),
      grantable_outside_(config_.sessions_max),
      first_copies_(pieces_.count(), pieces_.have().all() && config_.policy == SwarmPolicy::grant),
      extra_slots_(pieces_.have().all() ? seeder_slots_until : slots_until, pieces_.have().all()) {
  grants_.reserve(limits::grants_max);
}

uint32_t GrantBook::slots() const {
  return extra_slots_.slots_in_all(rates_.link().slot_count());
}

uint32_t GrantBook::served_max() const {
  return slots() + limits::grants_to_slow_max + on_trial_ + to_takers_;
}

void GrantBook::remove(size_t position) {
  ENSURE(position < grants_.size());
  const Grant& grant = grants_[position];
  ENSURE(count_of(grant.place) > 0);
  Session* session = sessions_.get(grant.session);
  ENSURE(session != nullptr && session->grants.grants > 0);
  --session->grants.grants;
  --count_of(grant.place);
  if (!grant.accepted && grant.piece != any_piece) {
    first_copies_.take_back({grant.piece});
  }
  grants_[position] = grants_.back();
  grants_.pop_back();
}

uint32_t& GrantBook::count_of(Grant::Place place) {
  switch (place) {
    case Grant::Place::slot:
      return slots_taken_;
    case Grant::Place::slow:
      return to_slow_;
    case Grant::Place::trial:
      return on_trial_;
    case Grant::Place::taker:
      return to_takers_;
  }
  ENSURE(false);
}

// What a seeder cannot judge does not count.
uint32_t GrantBook::points_of_piece(const Session& session) const {
  if (!pieces_.have().all()) {
    return policy::points_of_peer;
  }
  return session.grants.first_copies > 0 ? policy::points_of_seeder : 0;
}

bool GrantBook::seen(SessionId id, PieceIndex piece) {
  first_copies_.seen(piece);
  const policy::FirstCopy copy = first_copies_.said_by(piece, id.slot);
  if (copy.kind == policy::CopyKind::other) {
    return false;
  }
  Session* holder = sessions_.get(sessions_.at_slot(copy.holder));
  ENSURE(holder != nullptr);
  if (copy.kind == policy::CopyKind::spread) {
    ++holder->grants.spread_copies;
    sessions_.gave(*holder);
    return true;
  }
  // Where nobody else takes anything it cannot be passed on.
  const bool others_take =
      std::any_of(sessions_.by_slot().begin(), sessions_.by_slot().end(), [&](SessionId other) {
        const Session* session = sessions_.get(other);
        return session != nullptr && session != holder && session->grants.given.confirmed() > 0;
      });
  holder->grants.first_copies += others_take ? 1U : 0U;
  return false;
}

// --- what becomes of a grant ---------------------------------------------------------------------

GrantBook::Request GrantBook::take_up(SessionId id, Session& session, const BlockRange& block,
                                      Instant now) {
  ENSURE(session.grants.in_use);
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
    return {};
  }
  Request request{.is_granted = true};
  if (!open->accepted) {
    request.answered_after = now - open->at;
    open->accepted = true;
    open->piece = block.piece.raw;
    open->at = now;
    session.grants.refused_in_row = 0;
    if (session.grants.spread_copies > 0) {  // else a stranger could take the merit of others away
      first_copies_.taken(block.piece, id.slot);
    }
  }
  open->asked_bytes += block.size_bytes;
  return request;
}

std::optional<Duration> GrantBook::decline(SessionId id, Session& session, uint32_t piece,
                                           Instant now) {
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
    return std::nullopt;
  }
  const Duration answered_after = now - grants_[found].at;
  remove(found);
  session.grants.peer_free = false;
  refused(session, now);
  update_grantable(id, session);
  return answered_after;
}

bool GrantBook::end(SessionId id, PieceIndex piece, Instant now) {
  for (size_t position = 0; position < grants_.size(); ++position) {
    const Grant& grant = grants_[position];
    if (grant.session == id && grant.accepted && grant.piece == piece.raw) {
      Session& session = *sessions_.get(id);
      session.grants.took_piece = true;
      sessions_.took(session, points_of_piece(session));
      given_since_taker_ += grant.place == Grant::Place::slot ? 1U : 0U;
      remove(position);
      session.grants.given.gave(piece.raw, now);
      if (session.pieces.test(piece.raw)) {
        session.grants.given.has(piece.raw, now);
      }
      return true;
    }
  }
  return false;
}

void GrantBook::end_all(SessionId id) {
  for (size_t position = grants_.size(); position > 0; --position) {
    if (grants_[position - 1].session == id) {
      remove(position - 1);
    }
  }
  if (const Session* session = sessions_.get(id);
      session != nullptr && session->grants.was_named_one) {
    first_copies_.lost(id.slot);
  }
}

void GrantBook::unused(Session& session, Instant now) {
  if (now < session.grants.granted_again_at) {
    return;  // one of several
  }
  session.grants.granted_again_at =
      now + policy::pause_after_unused(session.grants.unused_in_row++);
}

void GrantBook::used(Session& session, Instant now) {
  if (session.grants.unused_in_row > 0) {
    session.grants.unused_in_row = 0;
    session.grants.granted_again_at =
        std::min(session.grants.granted_again_at, now + policy::pause_after_unused(0));
  }
}

void GrantBook::refused(Session& session, Instant now) {
  const Duration pause = policy::pause_after_refusals(++session.grants.refused_in_row);
  if (pause > Duration{}) {
    session.grants.granted_again_at = now + pause;
  }
}

// One that never took a piece is slow to answer: others need not wait for it.
void GrantBook::keep_from_slot(Grant& grant, Instant now) {
  ENSURE(!grant.accepted);
  if (grant.place == Grant::Place::slot && on_trial_ < limits::grants_on_trial_max) {
    ENSURE(slots_taken_ > 0);
    --count_of(grant.place);
    grant.place = Grant::Place::trial;
    ++count_of(grant.place);
    unanswered_.record(now);
  }
}

// Only what is lost waits for the tick that calls this.
void GrantBook::expire(const policy::UploadScheduler& served, Instant now) {
  const Duration patience = std::clamp(4 * rates_.link().piece_duration(), ending_patience_min,
                                       LinkRates::ending_patience_max);
  for (size_t position = grants_.size(); position > 0; --position) {
    const Grant grant = grants_[position - 1];
    Session* session = sessions_.get(grant.session);
    ENSURE(session != nullptr);
    const bool mute = !grant.accepted && now - grant.at > answer_patience;
    const bool stalled = grant.accepted && session->sending_bytes > 0 &&
                         served.is_served(grant.session.slot) &&
                         now - session->block_sent_at > grant_stalled_after;
    const bool endless = grant.accepted && session->grants.asked_bytes == 0 &&
                         now - std::max(grant.at, session->block_sent_at) >
                             std::min(patience, rates_.ending_patience(*session));
    if (endless || (mute && grant.place != Grant::Place::trial)) {
      unanswered_.record(now);
    }
    if (!mute && !grant.accepted && !session->grants.took_piece &&
        now - grant.at > newcomer_answers_within) {
      keep_from_slot(grants_[position - 1], now);
    }
    if (mute || stalled || endless) {
      remove(position - 1);
    }
    if (endless) {
      sessions_.took(*session, points_of_piece(*session));
      session->grants.given.gave(grant.piece, now);
    }
    if (mute || stalled || (endless && session->grants.given.confirmed() > 0)) {
      unused(*session, now);
    }
  }
  unanswered_.forget(now);
  first_copies_.give_again(2 * patience, now);
}

void GrantBook::window_ended() {
  extra_slots_.window_ended({.rate = rates_.link().upload_rate(),
                             .link_rate = rates_.link().bytes_per_second(),
                             .slots = rates_.link().slot_count(),
                             .all_taken = !slots_idled_});
  slots_idled_ = slots_taken_ < slots();
}

double GrantBook::rate_of_lacking() const {
  double rate = 0;
  bool all_known = true;
  sessions_.each([&](SessionId, const Session& session) {
    if (session.state == Session::State::open && session.grants.in_use &&
        lacks_something(pieces_.have(), session)) {
      rate += session.grants.told_rate * bytes_per_kib;
      all_known = all_known && session.grants.told_rate > 0;
    }
  });
  return all_known ? rate : 0;
}

}  // namespace murder::swarm
