#include "engine/swarm/swarm.h"

#include <algorithm>
#include <utility>

#include "engine/base/ensure.h"
#include "engine/swarm/bounds.h"

namespace murder::swarm {

using codec::MessageType;
using codec::PeerMessage;

Swarm::Swarm(const SwarmConfig& config, const BitSet& have, Prng prng, EffectSink& sink)
    : context_(config, have, prng, sink),
      connections_(context_),
      greeting_(context_),
      rates_(context_),
      rack_(context_),
      grants_(context_, rates_, rack_),
      uploads_(context_),
      downloads_(context_, rates_, rack_) {
  ENSURE(have.size() == config.geometry.piece_count());
}

// What is freed goes to those that wait for it before others are told. No duty marks one that comes
// before it, so once around is enough. Every input ends with it; what settles in the middle of one
// does so where what follows must find neighbours told, since messages keep their order.
void Swarm::do_duties(Instant now) {
  if (duties_.take(Duty::admit)) {
    uploads_.admit(grants_.served_max(), now);
  }
  if (duties_.take(Duty::fill)) {
    downloads_.fill_all(now);
    duties_.mark(Duty::grant);
  }
  if (duties_.take(Duty::tell_free)) {
    downloads_.update_free(now);
  }
  if (duties_.take(Duty::offer_again)) {
    downloads_.offer_slot_again(now);
  }
  if (duties_.take(Duty::grant)) {
    grants_.give(now);
  }
  if (duties_.take(Duty::dial) && !context_.stopping) {
    connections_.dial_more(now);
  }
  ENSURE(duties_.none());
}

void Swarm::received(SessionId id, const PeerMessage& message, Instant now) {
  Session* session = context_.sessions.get(id);
  if (session == nullptr || session->state != Session::State::open) {
    return;
  }
  session->received_at = now;
  const bool is_bitfield = message.type == MessageType::bitfield;
  if (!session->messages.take(is_bitfield ? 0 : message.payload.size(), now)) {
    context_.addresses.offended(session->remote.address, now);
    end_session(id, CloseReason::message_flood, now);
    settle(now);
    return;
  }
  on_message(id, *session, message, now);
  settle(now);
}

void Swarm::on_message(SessionId id, Session& session, const PeerMessage& message, Instant now) {
  switch (message.type) {
    case MessageType::choke:
      session.peer_choking = true;
      if (session.grants.in_use) {
        return;
      }
      if (!session.fast_extension) {  // BEP 6: with the fast extension a choke rejects nothing
        downloads_.revoke_all(id, session, false);
      }
      downloads_.let_go_of_pieces(id, session, now);
      return;
    case MessageType::unchoke:
      session.peer_choking = false;
      downloads_.fill(id, session, now);
      return;
    case MessageType::interested:
      session.peer_interested = true;
      if (session.choking && !session.grants.in_use) {
        session.choking = false;
        send(context_.sink, id, MessageType::unchoke);
      }
      return;
    case MessageType::not_interested:
      session.peer_interested = false;
      return;
    case MessageType::have:
      on_have(id, session, message.piece, now);
      return;
    case MessageType::bitfield:
    case MessageType::have_all:
    case MessageType::have_none:
      on_pieces(id, session, message, now);
      return;
    case MessageType::request:
      on_request(id, session, message.block(), now);
      return;
    case MessageType::cancel:
      on_cancel(id, session, message.block(), now);
      return;
    case MessageType::reject_request:
      downloads_.rejected(id, session, message.block(), now);
      return;
    case MessageType::extended:
      on_extended(id, session, message, now);
      return;
    case MessageType::piece:  // its payload comes through payload_begin
    case MessageType::port:
    case MessageType::suggest_piece:
    case MessageType::allowed_fast:
    case MessageType::keep_alive:
    case MessageType::unknown:
      return;
  }
}

void Swarm::on_extended(SessionId id, Session& session, const PeerMessage& message, Instant now) {
  if (message.extended_id == codec::grant_extension_id) {
    on_grant_message(id, session, message.payload, now);
    return;
  }
  if (message.extended_id != codec::extension_handshake_id) {
    return;
  }
  const auto handshake = codec::decode_extension_handshake(message.payload);
  if (!handshake) {
    end_session(id, CloseReason::protocol_error, now);
    return;
  }
  if (handshake->requests_max && *handshake->requests_max > 0) {
    session.requests_max = *handshake->requests_max;
  }
  if (handshake->block_bytes_max && *handshake->block_bytes_max >= unit_bytes) {
    const uint32_t most = std::min(*handshake->block_bytes_max, context_.config.block_bytes_max);
    session.block_bytes = most / unit_bytes * unit_bytes;
  }
  // Once: it has one, whatever it says later.
  if (handshake->listen_port && *handshake->listen_port != 0 && !session.listens_on) {
    connections_.learn_listening(session, {session.remote.address, *handshake->listen_port});
  }
  session.upload_only = handshake->upload_only || session.pieces.all();
  learn_grants(id, session, *handshake, now);
}

// Told by what the session said last: its pieces are forgotten when it ends.
bool Swarm::has_nothing_to_exchange(const Session& session) const {
  return context_.pieces.have().all() && session.upload_only;
}

// Not before the next tick: what was said last (that we have everything) is sent by then, so that
// both sides know and neither dials again.
void Swarm::end_if_both_complete(SessionId id, Session& session, Instant now) {
  if (session.state == Session::State::open && has_nothing_to_exchange(session)) {
    end_session(id, CloseReason::both_complete, now);
  }
}

void Swarm::bytes_received(SessionId id, uint32_t size_bytes, Instant now) {
  if (Session* session = context_.sessions.get(id)) {
    session->received_at = now;
    session->payload_arrived(size_bytes, unit_bytes, now);
  }
}

// --- time ----------------------------------------------------------------------------------------

void Swarm::check_timeouts(SessionId id, Session& session, Instant now) {
  switch (session.state) {
    case Session::State::dialing:
      if (now - session.opened_at > limits::dial_timeout) {
        end_session(id, CloseReason::dial_failed, now);
      }
      return;
    case Session::State::handshaking:
      if (now - session.opened_at > limits::handshake_timeout) {
        end_session(id, CloseReason::handshake_timeout, now);
      }
      return;
    case Session::State::closing:
      return;
    case Session::State::open:
      break;
  }
  if (now - session.received_at > limits::silence_timeout) {
    end_session(id, CloseReason::silent, now);
    return;
  }
  if (now - session.sent_at > limits::keep_alive_after) {
    session.sent_at = now;
    send(context_.sink, id, MessageType::keep_alive);
  }
  session.grants.given.forget(now);
  check_silence(id, session, now);
}

void Swarm::check_silence(SessionId id, Session& session, Instant now) {
  const policy::SilenceVerdict verdict = downloads_.judge_silence(id, session, now);
  if (verdict == policy::SilenceVerdict::snub || verdict == policy::SilenceVerdict::too_slow) {
    downloads_.snub(id, session, now);
  }
  if (verdict == policy::SilenceVerdict::too_slow) {
    context_.addresses.offended(session.remote.address, now);
    end_session(id, CloseReason::too_slow, now);
  } else if (verdict == policy::SilenceVerdict::unanswered) {
    end_session(id, CloseReason::requests_unanswered, now);
  }
}

void Swarm::tick(Instant now) {
  rates_.update(now);
  context_.sessions.each([&](SessionId id, Session& session) {
    check_timeouts(id, session, now);
    settle(now);
    uploads_.check_stalled(id, session, now);
    end_if_both_complete(id, session, now);
    settle(now);
  });
  check_pace(now);
  downloads_.check_orphans(now);
  downloads_.check_leases(now);
  check_grants(now);
  settle(now);
  duties_.mark(Duty::admit);
  duties_.mark(Duty::fill);
  duties_.mark(Duty::dial);
  settle(now);
}

void Swarm::stop(Instant now) {
  context_.stopping = true;
  context_.sessions.each([&](SessionId id, Session&) { end(id, CloseReason::stopping, now); });
  duties_.mark(Duty::tell_free);  // also where there was no session
  settle(now);
}

}  // namespace murder::swarm
