#include "engine/swarm/swarm.h"

#include <algorithm>
#include <utility>

#include "engine/base/ensure.h"

namespace murder::swarm {

using codec::MessageType;
using codec::PeerMessage;

namespace {

// Two connections that come up at the same moment from both sides: within this time the rule
// decides which stays.
constexpr Duration crossing_window = std::chrono::seconds(2);
constexpr Duration duplicate_pause = std::chrono::seconds(30);
constexpr Duration complete_pause = std::chrono::minutes(10);
constexpr uint32_t strikes_max = 3;
constexpr size_t barred_ids_max = 256;
constexpr size_t struck_addresses_max = 1024;

}  // namespace

Swarm::Swarm(const SwarmConfig& config, const BitSet& have, Prng prng, EffectSink& sink)
    : config_(config),
      sink_(sink),
      prng_(prng),
      have_(have),
      piece_states_(have.size(), PieceState::missing),
      suspicious_(have.size()),
      picker_(have.size(), config.sessions_max),
      uploads_(config.sessions_max, config.served_max),
      candidates_(limits::candidates_max),
      active_(config.geometry, config.piece_buffers),
      sessions_(config.sessions_max),
      by_slot_(config.sessions_max),
      bitfield_(have.wire_bytes()) {
  ENSURE(have.size() == config.geometry.piece_count());
  std::vector<PieceIndex> missing;
  for (uint32_t piece = have_.find_unset(0); piece < have_.size();
       piece = have_.find_unset(piece + 1)) {
    missing.push_back({piece});
  }
  for (uint32_t piece = have_.find_set(0); piece < have_.size();
       piece = have_.find_set(piece + 1)) {
    piece_states_[piece] = PieceState::had;
  }
  prng_.shuffle(std::span(missing));
  for (const PieceIndex piece : missing) {
    picker_.want(piece, prng_);
  }
}

// --- sessions ------------------------------------------------------------------------------------

SessionId Swarm::accept(const Endpoint& remote, Instant now) {
  if (stopping_ || sessions_.full() || is_address_barred(remote.address)) {
    return {};
  }
  const SessionId id = sessions_.make(remote, false, now, have_.size());
  by_slot_[id.slot] = id;
  return id;
}

void Swarm::dial_more(Instant now) {
  while (!stopping_ && !sessions_.full() && sessions_.size() < config_.sessions_to_dial &&
         dialing_count_ < limits::dials_at_once_max) {
    const std::optional<Endpoint> endpoint = candidates_.take(now, prng_);
    if (!endpoint) {
      return;
    }
    if (is_address_barred(endpoint->address)) {
      candidates_.bar(*endpoint);
      continue;
    }
    const SessionId id = sessions_.make(*endpoint, true, now, have_.size());
    by_slot_[id.slot] = id;
    ++dialing_count_;
    sink_.dial(id, *endpoint);
  }
}

void Swarm::dialed(SessionId id, Instant now) {
  Session* session = sessions_.get(id);
  if (session == nullptr || session->state != Session::State::dialing) {
    return;
  }
  --dialing_count_;
  session->state = Session::State::handshaking;
  session->opened_at = now;
  session->received_at = now;
  send_handshake(id, *session, now);
  dial_more(now);
}

void Swarm::send_handshake(SessionId id, Session& session, Instant now) {
  session.handshake_sent = true;
  session.sent_at = now;
  sink_.send_handshake(id, {.info_hash = config_.info_hash,
                            .peer_id = config_.peer_id,
                            .fast_extension = true,
                            .extension_protocol = true});
}

std::optional<CloseReason> Swarm::refuse_handshake(SessionId id, const Session& session,
                                                   const codec::Handshake& handshake) {
  if (handshake.info_hash != config_.info_hash) {
    return CloseReason::wrong_info_hash;
  }
  if (handshake.peer_id == config_.peer_id) {
    return CloseReason::self;
  }
  if (std::find(barred_ids_.begin(), barred_ids_.end(), handshake.peer_id) != barred_ids_.end()) {
    return CloseReason::barred;
  }
  std::optional<SessionId> twin;
  sessions_.each([&](SessionId other_id, const Session& other) {
    if (other_id != id && other.state == Session::State::open &&
        other.peer_id == handshake.peer_id) {
      twin = other_id;
    }
  });
  if (!twin) {
    return std::nullopt;
  }
  // When both sides dialled each other at once, both keep the connection that the larger peer id
  // opened.
  const Session& other = *sessions_.get(*twin);
  const bool crossing =
      session.outgoing != other.outgoing && session.opened_at - other.opened_at < crossing_window;
  const bool prefers_outgoing = config_.peer_id > handshake.peer_id;
  if (!crossing || session.outgoing != prefers_outgoing) {
    return CloseReason::duplicate;
  }
  end(*twin, CloseReason::duplicate, session.received_at);
  return std::nullopt;
}

void Swarm::received(SessionId id, const codec::Handshake& handshake, Instant now) {
  Session* session = sessions_.get(id);
  if (session == nullptr || session->state != Session::State::handshaking) {
    return;
  }
  session->received_at = now;
  if (const auto reason = refuse_handshake(id, *session, handshake)) {
    end(id, *reason, now);
    return;
  }
  session->peer_id = handshake.peer_id;
  session->fast_extension = handshake.fast_extension;
  session->extension_protocol = handshake.extension_protocol;
  if (!session->handshake_sent) {
    send_handshake(id, *session, now);
  }
  open(id, *session, now);
}

void Swarm::open(SessionId id, Session& session, Instant now) {
  session.state = Session::State::open;
  session.was_open = true;
  session.sent_at = now;
  session.payload_at = now;
  ++open_count_;
  send_pieces_we_have(id, session);
  if (session.extension_protocol) {
    send_extension_handshake(id, session);
  }
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

void Swarm::send_extension_handshake(SessionId id, const Session& session) {
  codec::ExtensionHandshake handshake{.client = "murder 0.1.0"};
  handshake.your_ip = session.remote.address;
  handshake.requests_max = limits::requests_queued_max;
  handshake.block_bytes_max = config_.block_bytes_max;
  handshake.upload_only = complete();
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
  on_message(id, *session, message, now);
}

void Swarm::on_message(SessionId id, Session& session, const PeerMessage& message, Instant now) {
  switch (message.type) {
    case MessageType::choke:
      session.peer_choking = true;
      if (!session.fast_extension) {  // BEP 6: with the fast extension a choke rejects nothing
        revoke_all(id, session, false);
        let_go_of_pieces(id, session, now);
      }
      return;
    case MessageType::unchoke:
      session.peer_choking = false;
      fill_requests(id, session, now);
      return;
    case MessageType::interested:
      session.peer_interested = true;
      if (session.choking) {
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
      on_cancel(id, session, message.block());
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
  if (handshake->listen_port && *handshake->listen_port != 0 && !session.outgoing) {
    // It is connected already, so it need not be dialled as well.
    session.listens_on = Endpoint{session.remote.address, *handshake->listen_port};
    candidates_.add(*session.listens_on);
    candidates_.postpone(*session.listens_on, instant_never);
  }
  session.upload_only = handshake->upload_only || session.pieces.all();
  end_if_both_complete(id, session, now);
}

void Swarm::end_if_both_complete(SessionId id, Session& session, Instant now) {
  if (session.state == Session::State::open && complete() &&
      (session.pieces.all() || session.upload_only)) {
    end(id, CloseReason::both_complete, now);
  }
}

void Swarm::bytes_received(SessionId id, Instant now) {
  Session* session = sessions_.get(id);
  if (session != nullptr) {
    session->received_at = now;
    if (session->arriving) {
      session->payload_at = now;
    }
  }
}

void Swarm::end(SessionId id, CloseReason reason, Instant now) {
  Session* session = sessions_.get(id);
  if (session == nullptr || session->state == Session::State::closing) {
    return;
  }
  if (session->state == Session::State::dialing) {
    --dialing_count_;
  }
  if (session->state == Session::State::open) {
    --open_count_;
  }
  session->state = Session::State::closing;
  session->close_reason = reason;
  ++stats_.closed[static_cast<size_t>(reason)];
  forget_pieces(*session);
  forget_requests(id, *session);
  revoke_all(id, *session, false);
  let_go_of_pieces(id, *session, now);
  sink_.close(id, reason);
}

void Swarm::closed(SessionId id, Instant now) {
  Session* session = sessions_.get(id);
  if (session == nullptr) {
    return;
  }
  ENSURE(session->state == Session::State::closing);
  if (session->arriving) {
    release_request(*session->arriving);
  }
  for (const OutgoingRequest& request : session->revoked) {
    release_request(request);
  }
  remember_end(*session, now);
  sessions_.free(id);
  by_slot_[id.slot] = {};
  admit(now);
  fill_all(now);
  dial_more(now);
}

void Swarm::remember_end(const Session& session, Instant now) {
  if (!session.listens_on) {
    return;
  }
  const Endpoint& endpoint = *session.listens_on;
  switch (session.close_reason) {
    case CloseReason::self:
    case CloseReason::wrong_data:
    case CloseReason::barred:
      candidates_.bar(endpoint);
      return;
    case CloseReason::duplicate:
      candidates_.postpone(endpoint, now + duplicate_pause);
      return;
    case CloseReason::both_complete:
      candidates_.postpone(endpoint, now + complete_pause);
      return;
    default:
      if (!session.outgoing) {
        candidates_.postpone(endpoint, now + std::chrono::seconds(2));
      } else if (session.was_open) {
        candidates_.ended(endpoint, now, prng_);
      } else {
        candidates_.failed(endpoint, now, prng_);
      }
  }
}

void Swarm::bar(const Contributor& culprit, Instant now) {
  if (barred_ids_.size() < barred_ids_max) {
    barred_ids_.push_back(culprit.peer_id);
  }
  const auto struck = std::find_if(strikes_.begin(), strikes_.end(), [&](const auto& entry) {
    return entry.first == culprit.remote.address;
  });
  if (struck != strikes_.end()) {
    ++struck->second;
  } else if (strikes_.size() < struck_addresses_max) {
    strikes_.emplace_back(culprit.remote.address, 1);
  }
  candidates_.bar(culprit.remote);
  end(culprit.session, CloseReason::wrong_data, now);
}

// Several peers may share an address (one host in a test, a NAT): one culprit does not bar them
// all, three do.
bool Swarm::is_address_barred(const IpAddress& address) const {
  return std::any_of(strikes_.begin(), strikes_.end(), [&](const auto& entry) {
    return entry.first == address && entry.second >= strikes_max;
  });
}

// --- discovery and time --------------------------------------------------------------------------

void Swarm::add_candidates(std::span<const Endpoint> endpoints, Instant now) {
  for (const Endpoint& endpoint : endpoints) {
    candidates_.add(endpoint);
  }
  dial_more(now);
}

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
  const bool waits = !session.requested.empty() || session.arriving.has_value();
  const Duration waited = now - session.payload_at;
  if (!waits || waited <= limits::request_snub_after) {
    return;
  }
  const bool alternative = has_alternative_to(id);
  const bool stuck = session.arriving && alternative;  // in the middle of a block
  if (stuck || waited > (alternative ? limits::request_timeout : 4 * limits::request_timeout)) {
    end(id, CloseReason::requests_unanswered, now);
  } else if (alternative && !session.snubbed) {
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
  });
  check_leases(now);
  admit(now);
  fill_all(now);
  dial_more(now);
}

void Swarm::stop(Instant now) {
  stopping_ = true;
  sessions_.each([&](SessionId id, Session&) { end(id, CloseReason::stopping, now); });
}

}  // namespace murder::swarm
