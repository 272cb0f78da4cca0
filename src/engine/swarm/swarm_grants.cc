// What our own peers tell each other, and what both sides of a grant have in common.
#include "engine/swarm/swarm.h"

namespace murder::swarm {

using codec::GrantKind;
using codec::MessageType;

// The first extension handshake of a session says whether it is one of our own.
void Swarm::learn_grants(SessionId id, Session& session, const codec::ExtensionHandshake& handshake,
                         Instant now) {
  const uint8_t extended_id = handshake.id_of(codec::grant_extension_name);
  if (session.grants.in_use || context_.config.policy != SwarmPolicy::grant || extended_id == 0) {
    return;
  }
  // Ours say it before anything else. What was said before all the same is taken back.
  if (!session.choking) {
    session.choking = true;
    send(context_.sink, id, MessageType::choke);
    while (!session.asked.empty()) {
      refuse(id, session, session.asked.pop(), now);
    }
  }
  uploads_.forget(id, session);
  downloads_.revoke_all(id, session, true);
  downloads_.let_go_of_pieces(id, session, now);
  if (session.state != Session::State::open) {
    return;
  }
  context_.sessions.uses_grants(session);
  session.grants.extended_id = extended_id;
  session.grants.peer_free = handshake.free;
  session.grants.progressed_at = now;
  session.grants.asked_bytes = session.sending_bytes;
  uploads_.becomes_own(id, session);
  downloads_.becomes_own(id, session, handshake.rack);
  grants_.update_grantable(id, session);
  duties_.mark(Duty::grant);
}

void Swarm::on_grant_message(SessionId id, Session& session, std::span<const uint8_t> payload,
                             Instant now) {
  const auto message = codec::decode_grant_message(payload);
  if (!message) {
    end_session(id, CloseReason::protocol_error, now);
    return;
  }
  if (!session.grants.in_use) {
    return;
  }
  switch (message->kind) {
    case GrantKind::free:
      session.grants.peer_free = true;
      session.grants.told_rate = message->value;
      grants_.update_grantable(id, session);
      duties_.mark(Duty::grant);
      return;
    case GrantKind::busy:
      session.grants.peer_free = false;
      grants_.update_grantable(id, session);
      return;
    case GrantKind::grant:
      on_grant(id, session, message->value, now);
      return;
    case GrantKind::decline:
      on_decline(id, session, message->value, now);
      return;
    case GrantKind::ending:
      end_grant(id, {message->value}, now);
      duties_.mark(Duty::grant);
      return;
    case GrantKind::claim:
      downloads_.on_claim(id, session, message->value, now);
      return;
    case GrantKind::unclaim:
      downloads_.on_unclaim(id, session, message->value);
      return;
  }
}

void Swarm::on_grant(SessionId id, Session& session, uint32_t piece, Instant now) {
  if (const std::optional<CloseReason> reason = downloads_.on_grant(id, session, piece, now)) {
    end_session(id, *reason, now);
  }
}

// A piece came or was sent: what is known of the link may be better now.
void Swarm::piece_moved(Instant now) {
  if (rates_.piece_moved(now)) {
    rates_.compare();
    grants_.window_ended();
    downloads_.window_ended();
    duties_.mark(Duty::tell_free);
    duties_.mark(Duty::grant);
    settle(now);
  }
}

void Swarm::check_grants(Instant now) {
  grants_.expire(uploads_.granted(), now);
  rates_.compare();
  downloads_.check_claims(now);
  duties_.mark(Duty::tell_free);
  duties_.mark(Duty::offer_again);
  duties_.mark(Duty::grant);
}

void Swarm::rack_told(std::string_view rack) {
  if (!context_.config.rack.empty() || context_.config.policy != SwarmPolicy::grant) {
    return;
  }
  context_.config.rack = rack;
  rack_.rack_told();
  context_.sessions.each(
      [&](SessionId id, Session& session) { grants_.update_grantable(id, session); });
}

}  // namespace murder::swarm
