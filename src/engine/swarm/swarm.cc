#include "engine/swarm/swarm.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "engine/base/ensure.h"
#include "engine/base/version.h"
#include "engine/swarm/bounds.h"

namespace murder::swarm {

using codec::MessageType;
using codec::PeerMessage;

namespace {

// A tick may come this late; who is silent for less is not given up.
constexpr Duration granted_snub_after = std::chrono::milliseconds(300);
constexpr uint32_t granted_served_max = policy::LinkEstimate::slots_max;

}  // namespace

Swarm::Swarm(const SwarmConfig& config, const BitSet& have, Prng prng, EffectSink& sink)
    : config_(config),
      sink_(sink),
      prng_(prng),
      have_(have),
      stored_(have),
      piece_states_(have.size(), PieceState::missing),
      suspicious_(have.size()),
      picker_(have.size(), config.sessions_max),
      uploads_(config.sessions_max, config.served_max),
      held_back_(config.sessions_max),
      candidates_(limits::candidates_max),
      active_(config.geometry, config.piece_buffers),
      sessions_(config.sessions_max),
      by_slot_(config.sessions_max),
      bitfield_(have.wire_bytes()),
      link_(config.geometry),
      granted_uploads_(config.sessions_max, granted_served_max),
      grantable_(config.sessions_max),
      grantable_outside_(config.sessions_max),
      extra_uploads_(have.all() ? seeder_slots_until : extra_slots_until, have.all()),
      extra_downloads_(extra_slots_until, false),
      first_copies_(have.size(), have.all() && config.policy == SwarmPolicy::grant),
      rack_(have.size(), config.sessions_max,
            !config.rack.empty() && config.policy == SwarmPolicy::grant) {
  grants_.reserve(limits::grants_max);
  rates_.reserve(config.sessions_max);
  ENSURE(have.size() == config.geometry.piece_count());
  std::vector<PieceIndex> missing;
  for (uint32_t piece = have_.find_unset(0); piece < have_.size();
       piece = have_.find_unset(piece + 1)) {
    missing.push_back({piece});
  }
  have_.for_each([&](uint32_t piece) { piece_states_[piece] = PieceState::had; });
  prng_.shuffle(std::span(missing));
  for (const PieceIndex piece : missing) {
    picker_.want(piece, prng_);
  }
  free_ = has_download_slot({});
}

void Swarm::send(SessionId id, const PeerMessage& message) {
  sink_.send(id, message);
}

void Swarm::send_pieces_we_have(SessionId id, Session& session) {
  if (session.fast_extension && have_.all()) {
    send(id, MessageType::have_all);
  } else if (session.fast_extension && have_.none()) {
    send(id, MessageType::have_none);
  } else if (!have_.none()) {
    have_.to_wire(bitfield_);
    send(id, PeerMessage{.type = MessageType::bitfield, .payload = bitfield_});
  }
}

void Swarm::send_extension_handshake(SessionId id, Session& session) {
  codec::ExtensionHandshake handshake{.client = fmt::format("murder {}", program_version())};
  handshake.your_ip = session.remote.address;
  handshake.requests_max = limits::requests_queued_max;
  handshake.block_bytes_max = config_.block_bytes_max;
  handshake.upload_only = have_.all();
  if (config_.policy == SwarmPolicy::grant) {
    handshake.extensions.emplace_back(codec::grant_extension_name, codec::grant_extension_id);
    handshake.rack = config_.rack;
    session.grants.knows_rack = session.grants.knows_rack || !config_.rack.empty();
    handshake.free = session.grants.told_free;
  }
  if (config_.listen_port != 0) {
    handshake.listen_port = config_.listen_port;
  }
  const std::string payload = codec::encode_extension_handshake(handshake);
  send(id, PeerMessage{.type = MessageType::extended,
                       .payload = as_bytes_of(payload),
                       .extended_id = codec::extension_handshake_id});
}

void Swarm::received(SessionId id, const PeerMessage& message, Instant now) {
  Session* session = sessions_.get(id);
  if (session == nullptr || session->state != Session::State::open) {
    return;
  }
  session->received_at = now;
  const bool is_bitfield = message.type == MessageType::bitfield;
  if (!session->messages.take(is_bitfield ? 0 : message.payload.size(), now)) {
    addresses_.offended(session->remote.address, now);
    end(id, CloseReason::message_flood, now);
    return;
  }
  on_message(id, *session, message, now);
}

void Swarm::on_message(SessionId id, Session& session, const PeerMessage& message, Instant now) {
  switch (message.type) {
    case MessageType::choke:
      session.peer_choking = true;
      if (session.grants.spoken) {
        return;
      }
      if (!session.fast_extension) {  // BEP 6: with the fast extension a choke rejects nothing
        revoke_all(id, session, false);
      }
      let_go_of_pieces(id, session, now);
      return;
    case MessageType::unchoke:
      session.peer_choking = false;
      fill_requests(id, session, now);
      return;
    case MessageType::interested:
      session.peer_interested = true;
      if (session.choking && !session.grants.spoken) {
        session.choking = false;
        send(id, MessageType::unchoke);
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
      on_reject(id, session, message.block(), now);
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
    end(id, CloseReason::protocol_error, now);
    return;
  }
  if (handshake->requests_max && *handshake->requests_max > 0) {
    session.requests_max = *handshake->requests_max;
  }
  if (handshake->block_bytes_max && *handshake->block_bytes_max >= unit_bytes) {
    const uint32_t most = std::min(*handshake->block_bytes_max, config_.block_bytes_max);
    session.block_bytes = most / unit_bytes * unit_bytes;
  }
  // Once: it has one, whatever it says later.
  if (handshake->listen_port && *handshake->listen_port != 0 && !session.listens_on) {
    learn_listening(session, {session.remote.address, *handshake->listen_port});
  }
  session.upload_only = handshake->upload_only || session.pieces.all();
  learn_grants(id, session, *handshake, now);
}

// Told by what the session said last: its pieces are forgotten when it ends.
bool Swarm::has_nothing_to_exchange(const Session& session) const {
  return have_.all() && session.upload_only;
}

// Not before the next tick: what was said last (that we have everything) is sent by then, so that
// both sides know and neither dials again.
void Swarm::end_if_both_complete(SessionId id, Session& session, Instant now) {
  if (session.state == Session::State::open && has_nothing_to_exchange(session)) {
    end(id, CloseReason::both_complete, now);
  }
}

// Progress counts in units: a byte now and then is none.
void Swarm::bytes_received(SessionId id, uint32_t size_bytes, Instant now) {
  Session* session = sessions_.get(id);
  if (session == nullptr) {
    return;
  }
  session->received_at = now;
  if (session->arriving) {
    const uint32_t units_before = session->arrived_bytes / unit_bytes;
    session->arrived_bytes =
        std::min(session->arrived_bytes + size_bytes, session->arriving->block.size_bytes);
    if (session->arrived_bytes / unit_bytes != units_before) {
      session->payload_at = now;
    }
  }
}

// --- time ----------------------------------------------------------------------------------------

void Swarm::check_timeouts(SessionId id, Session& session, Instant now) {
  switch (session.state) {
    case Session::State::dialing:
      if (now - session.opened_at > limits::dial_timeout) {
        end(id, CloseReason::dial_failed, now);
      }
      return;
    case Session::State::handshaking:
      if (now - session.opened_at > limits::handshake_timeout) {
        end(id, CloseReason::handshake_timeout, now);
      }
      return;
    case Session::State::closing:
      return;
    case Session::State::open:
      break;
  }
  if (now - session.received_at > limits::silence_timeout) {
    end(id, CloseReason::silent, now);
    return;
  }
  if (now - session.sent_at > limits::keep_alive_after) {
    session.sent_at = now;
    send(id, MessageType::keep_alive);
  }
  session.grants.given.forget(now);
  const bool waits = !session.requested.empty() || session.arriving.has_value();
  const Duration waited = now - session.payload_at;
  // What was granted is served at once, or after the end of the piece before it.
  const Duration patience =
      session.grants.spoken
          ? std::clamp(link_.piece_duration(), granted_snub_after, limits::request_snub_after)
          : limits::request_snub_soon_after;
  if (!waits || waited <= patience) {
    return;
  }
  const bool soon = waited <= limits::request_snub_after;
  const bool alternative = has_alternative_to(id, session, soon);
  // In the middle of a block, whose place nobody else can fill.
  const bool stuck =
      session.arriving && (session.grants.spoken ? alternative
                                                 : waited > limits::block_stuck_after &&
                                                       has_alternative_to(id, session, false));
  if (stuck) {
    snub(id, session, now);
    addresses_.offended(session.remote.address, now);
    end(id, CloseReason::too_slow, now);
  } else if (soon) {
    if (alternative && !session.requested.empty()) {
      snub(id, session, now);
    }
  } else if (waited > (alternative ? limits::request_timeout : 4 * limits::request_timeout)) {
    end(id, CloseReason::requests_unanswered, now);
  } else if (alternative && !session.requested.empty()) {
    snub(id, session, now);
  }
}

void Swarm::update_rates(Instant now) {
  const double seconds = seconds_of(now - rates_updated_at_);
  rates_updated_at_ = now;
  if (seconds <= 0 || seconds > 10) {
    return;
  }
  sessions_.each([&](SessionId, Session& session) {
    if (session.requested_bytes == 0 &&
        session.downloaded_bytes == session.downloaded_bytes_at_tick) {
      return;  // nothing is asked of it: that says nothing of its rate
    }
    const uint64_t bytes = session.downloaded_bytes - session.downloaded_bytes_at_tick;
    session.downloaded_bytes_at_tick = session.downloaded_bytes;
    const double rate = static_cast<double>(bytes) / seconds;
    session.download_rate += 0.3 * (rate - session.download_rate);
  });
}

void Swarm::tick(Instant now) {
  update_rates(now);
  sessions_.each([&](SessionId id, Session& session) {
    check_timeouts(id, session, now);
    check_stalled(id, session, now);
    end_if_both_complete(id, session, now);
  });
  check_pace(now);
  check_orphans(now);
  check_leases(now);
  check_grants(now);
  admit(now);
  fill_all(now);
  dial_more(now);
}

void Swarm::stop(Instant now) {
  stopping_ = true;
  sessions_.each([&](SessionId id, Session&) { end(id, CloseReason::stopping, now); });
}

}  // namespace murder::swarm
