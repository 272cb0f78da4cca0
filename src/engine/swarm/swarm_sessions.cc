// How sessions begin and end.
#include "engine/base/ensure.h"
#include "engine/swarm/swarm.h"

namespace murder::swarm {

void Swarm::add_candidates(std::span<const Endpoint> endpoints, Instant now) {
  connections_.named(endpoints);
  duties_.mark(Duty::dial);
  settle(now);
}

SessionId Swarm::accept(const Endpoint& remote, Instant now) {
  if (context_.stopping || connections_.is_barred(remote.address)) {
    return {};
  }
  if (connections_.is_crowded(remote.address, now) && !make_room(&remote.address, now)) {
    return {};
  }
  if (context_.config.is_closed) {
    end(connections_.oldest_unproven(), CloseReason::too_many, now);
  } else if (connections_.is_nearly_full()) {
    make_room(nullptr, now);
  }
  return connections_.accept(remote, now);
}

// False: none may go.
bool Swarm::make_room(const IpAddress* address, Instant now) {
  const SessionId least = connections_.least_worth(address, now);
  if (!least.is_none()) {
    end(least, CloseReason::too_many, now);
  }
  return !least.is_none();
}

void Swarm::dialed(SessionId id, Instant now) {
  Session* session = context_.sessions.get(id);
  if (session == nullptr || session->state != Session::State::dialing) {
    return;
  }
  context_.sessions.dialed(*session);
  session->opened_at = now;
  session->received_at = now;
  greeting_.send_handshake(id, *session, now);
  duties_.mark(Duty::dial);
  settle(now);
}

void Swarm::received(SessionId id, const codec::Handshake& handshake, Instant now) {
  Session* session = context_.sessions.get(id);
  if (session == nullptr || session->state != Session::State::handshaking) {
    return;
  }
  session->received_at = now;
  const Connections::Verdict verdict = connections_.judge(id, *session, handshake);
  if (verdict.refusal) {
    if (*verdict.refusal == CloseReason::self && !session->outgoing) {
      // The other end of this connection dialled: told who we are, it bars the address and ends.
      greeting_.send_handshake(id, *session, now);
    } else {
      end(id, *verdict.refusal, now);
    }
    return;
  }
  end(verdict.makes_way, CloseReason::duplicate, now);
  session->peer_id = handshake.peer_id;
  session->fast_extension = handshake.fast_extension;
  session->extension_protocol = handshake.extension_protocol;
  if (!session->handshake_sent) {
    greeting_.send_handshake(id, *session, now);
  }
  open(id, *session, now);
  // In a closed swarm it came in without taking a place of anybody's.
  if (context_.config.is_closed && !session->outgoing && connections_.is_nearly_full()) {
    const SessionId stranger = connections_.oldest_unproven();
    if (stranger.is_none()) {
      make_room(nullptr, now);
    } else {
      end(stranger, CloseReason::too_many, now);
    }
  }
}

void Swarm::open(SessionId id, Session& session, Instant now) {
  context_.sessions.opened(session);
  session.sent_at = now;
  session.payload_at = now;
  greeting_.send_pieces(id, session);
  if (session.extension_protocol) {
    session.grants.told_free = downloads_.is_free();
    greeting_.send_extensions(id, session);
  }
}

void Swarm::end(SessionId id, CloseReason reason, Instant now) {
  end_session(id, reason, now);
  settle(now);
}

void Swarm::end_session(SessionId id, CloseReason reason, Instant now) {
  Session* session = context_.sessions.get(id);
  if (session == nullptr || session->state == Session::State::closing) {
    return;
  }
  if (session->state == Session::State::open) {
    downloads_.uncover_rack(id, *session);
    if (session->grants.given.confirmed() == 0 && session->grants.given.unconfirmed() > 1) {
      context_.addresses.offended(session->remote.address, now);  // it will not say so any more
    }
  }
  context_.sessions.closing(*session, reason);
  ++context_.stats.closed[static_cast<size_t>(reason)];
  downloads_.forget_pieces(*session);
  uploads_.forget(id, *session);
  grants_.end_all(id);
  grants_.update_grantable(id, *session);
  downloads_.revoke_all(id, *session, false);
  downloads_.let_go_of_pieces(id, *session, now);
  context_.sink.close(id, reason);
  duties_.mark(Duty::admit);  // its place to be served is free
  duties_.mark(Duty::tell_free);
  duties_.mark(Duty::grant);
}

void Swarm::closed(SessionId id, Instant now) {
  Session* session = context_.sessions.get(id);
  if (session == nullptr) {
    return;
  }
  ENSURE(session->state == Session::State::closing);
  downloads_.closed(*session);
  connections_.remember_end(*session, has_nothing_to_exchange(*session), now);
  context_.sessions.free(id);
  duties_.mark(Duty::admit);
  duties_.mark(Duty::fill);
  duties_.mark(Duty::dial);
  settle(now);
}

void Swarm::bar(const Contributor& culprit, Instant now) {
  context_.stats.last_culprit = culprit.listens_on.value_or(culprit.remote);
  connections_.bar(culprit, now);
  downloads_.lied(now);
  end_session(culprit.session, CloseReason::wrong_data, now);
}

}  // namespace murder::swarm
