// What our own peers tell each other, and what both sides of a grant have in common.
#include <algorithm>

#include "engine/swarm/swarm.h"

namespace murder::swarm {

using codec::GrantKind;
using codec::MessageType;
using codec::PeerMessage;

namespace {

// An offered grant that is not answered, and an accepted one of which nothing is heard.
constexpr Duration answer_patience = std::chrono::milliseconds(500);
constexpr Duration newcomer_answers_within = std::chrono::milliseconds(100);
constexpr Duration ending_patience_min = std::chrono::seconds(2);
constexpr Duration newcomer_patience_min = std::chrono::milliseconds(300);
constexpr Duration newcomer_patience_unknown = std::chrono::milliseconds(500);
constexpr Duration ending_patience_max = std::chrono::seconds(30);
// A neighbour that takes nothing for this long holds no slot.
constexpr Duration grant_stalled_after = std::chrono::milliseconds(300);
constexpr double slow_share = 0.3;  // of the usual rate
constexpr uint32_t rates_min = 8;   // neighbours of which it is known, to tell what is usual

}  // namespace

void Swarm::say(SessionId id, const Session& session, GrantKind kind, uint32_t value) {
  const auto wire = codec::encode_grant_message({.kind = kind, .value = value});
  send(id, PeerMessage{.type = MessageType::extended,
                       .payload = wire,
                       .extended_id = session.grants.extended_id});
}

// The first extension handshake of a session says whether it is one of our own.
void Swarm::learn_grants(SessionId id, Session& session, const codec::ExtensionHandshake& handshake,
                         Instant now) {
  const uint8_t extended_id = handshake.id_of(codec::grant_extension_name);
  if (session.grants.spoken || config_.policy != SwarmPolicy::grant || extended_id == 0) {
    return;
  }
  // Ours say it before anything else. What was said before all the same is taken back.
  if (!session.choking) {
    session.choking = true;
    send(id, MessageType::choke);
    while (!session.asked.empty()) {
      refuse(id, session, session.asked.pop(), now);
    }
  }
  forget_requests(id, session);
  revoke_all(id, session, true);
  let_go_of_pieces(id, session, now);
  if (session.state != Session::State::open) {
    return;
  }
  session.grants.spoken = true;
  session.grants.extended_id = extended_id;
  session.grants.peer_free = handshake.free;
  session.grants.progressed_at = now;
  session.grants.asked_bytes = session.sending_bytes;
  if (session.sending_bytes > 0) {
    granted_uploads_.add(id.slot);
  }
  --stock_count_;
  session.grants.rack_mate =
      rack_.active() && session.grants.knows_rack && handshake.rack == config_.rack;
  if (session.grants.rack_mate) {
    tell_claims(id, session);
    cover_rack(id, session);
  }
  // It was told in our handshake; much may have changed since.
  if (session.grants.told_free && !free_) {
    session.grants.told_free = false;
    say(id, session, GrantKind::busy, 0);
  } else if (!session.grants.told_free && free_) {
    tell_free(id, session);
  }
  update_grantable(id, session);
  grant_more(now);
}

void Swarm::on_grant_message(SessionId id, Session& session, std::span<const uint8_t> payload,
                             Instant now) {
  const auto message = codec::decode_grant_message(payload);
  if (!message) {
    end(id, CloseReason::protocol_error, now);
    return;
  }
  if (!session.grants.spoken) {
    return;
  }
  switch (message->kind) {
    case GrantKind::free:
      session.grants.peer_free = true;
      session.grants.told_rate = message->value;
      update_grantable(id, session);
      grant_more(now);
      return;
    case GrantKind::busy:
      session.grants.peer_free = false;
      update_grantable(id, session);
      return;
    case GrantKind::grant:
      on_grant(id, session, message->value, now);
      return;
    case GrantKind::decline:
      on_decline(id, session, message->value, now);
      return;
    case GrantKind::ending:
      end_grant(id, {message->value}, now);
      grant_more(now);
      return;
    case GrantKind::claim:
      on_claim(id, session, message->value, now);
      return;
    case GrantKind::unclaim:
      on_unclaim(id, session, message->value);
      return;
  }
}

// A piece came or was sent: what is known of the link may be better now.
void Swarm::piece_moved(Instant now) {
  if (link_.piece_moved(stats_.downloaded_bytes, stats_.uploaded_bytes, now)) {
    compare_rates();
    adapt_slots();
    update_free(now);
    grant_more(now);
  }
}

void Swarm::adapt_slots() {
  extra_uploads_.window_ended({.rate = link_.upload_rate(),
                               .link_rate = link_.bytes_per_second(),
                               .slots = link_.slot_count(),
                               .all_taken = !uploads_idled_});
  extra_downloads_.window_ended({.rate = link_.download_rate(),
                                 .link_rate = link_.bytes_per_second(),
                                 .slots = link_.slot_count(),
                                 .all_taken = !downloads_idled_});
  uploads_idled_ = slots_taken_ < upload_slots();
  downloads_idled_ = false;
}

void Swarm::compare_rates() {
  const double own = link_.bytes_per_second() / bytes_per_kib;
  rates_.clear();
  bool all_believed = true;
  sessions_.each([&](SessionId, const Session& session) {
    if (session.state != Session::State::open || session.grants.told_rate == 0) {
      return;
    }
    const bool exchanges = session.proven || session.grants.given.confirmed() > 0;
    if (session.grants.unused_in_row > 0 || !exchanges) {
      all_believed = false;  // who takes nothing has no rate
    } else {
      rates_.push_back(session.grants.told_rate);
    }
  });
  if (rates_.size() < rates_min) {
    if (!all_believed) {
      usual_rate_ = 0;
      link_.neighbours_rate(0);
      slow_self_ = false;
    }
    return;
  }
  const auto middle = rates_.begin() + static_cast<std::ptrdiff_t>(rates_.size() / 2);
  std::nth_element(rates_.begin(), middle, rates_.end());
  usual_rate_ = *middle;
  link_.neighbours_rate(usual_rate_ * bytes_per_kib);
  slow_self_ = own > 0 && own < slow_share * usual_rate_;
}

bool Swarm::is_slow(const Session& session) const {
  return session.grants.told_rate > 0 && session.grants.told_rate < slow_share * usual_rate_;
}

// How long the end of a piece may take of one that never said that it has one of ours: what its
// link needs for some pieces, by what it says of it.
Duration Swarm::ending_patience(const Session& session) const {
  if (session.grants.given.confirmed() > 0) {
    return ending_patience_max;
  }
  if (link_.piece_duration() == Duration{}) {
    return newcomer_patience_unknown;
  }
  const double told = session.grants.told_rate * bytes_per_kib;
  const double seconds = told > 0 ? config_.geometry.piece_bytes * link_.slot_count() / told : 0;
  const Duration own = Duration(static_cast<int64_t>(1e9 * std::min(seconds, 10.0)));
  return std::max({4 * link_.piece_duration(), 4 * own, newcomer_patience_min});
}

// One that never took a piece is slow to answer: others need not wait for it.
void Swarm::keep_from_slot(Grant& grant, Instant now) {
  if (grant.place == Grant::Place::slot && grants_on_trial_ < limits::grants_on_trial_max) {
    --grant_count(grant.place);
    grant.place = Grant::Place::trial;
    ++grant_count(grant.place);
    unanswered_grants_.one_more(now);
  }
}

// What is granted and comes to nothing. Only what is lost waits for the tick that calls this.
void Swarm::check_grants(Instant now) {
  const Duration patience =
      std::clamp(4 * link_.piece_duration(), ending_patience_min, ending_patience_max);
  for (size_t position = grants_.size(); position > 0; --position) {
    const Grant grant = grants_[position - 1];
    Session* session = sessions_.get(grant.session);
    const bool mute = !grant.accepted && now - grant.at > answer_patience;
    const bool stalled = grant.accepted && session->sending_bytes > 0 &&
                         granted_uploads_.is_served(grant.session.slot) &&
                         now - session->block_sent_at > grant_stalled_after;
    const bool endless = grant.accepted && session->grants.asked_bytes == 0 &&
                         now - std::max(grant.at, session->block_sent_at) >
                             std::min(patience, ending_patience(*session));
    if (endless || (mute && grant.place != Grant::Place::trial)) {
      unanswered_grants_.one_more(now);
    }
    if (!mute && !grant.accepted && !session->grants.took_piece &&
        now - grant.at > newcomer_answers_within) {
      keep_from_slot(grants_[position - 1], now);
    }
    if (mute || stalled || endless) {
      remove_grant(position - 1);
    }
    if (endless) {
      session->grants.given.gave(grant.piece, now);
    }
    if (mute || stalled || (endless && session->grants.given.confirmed() > 0)) {
      grant_unused(*session, now);
    }
  }
  unanswered_grants_.forget(now);
  first_copies_.give_again(2 * patience, now);
  compare_rates();
  check_claims(now);
  update_free(now);
  offer_slot_again(now);
  grant_more(now);
}

}  // namespace murder::swarm
