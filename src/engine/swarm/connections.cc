// How sessions begin and end, and with whom.
#include <algorithm>

#include "engine/base/ensure.h"
#include "engine/swarm/bounds.h"
#include "engine/swarm/swarm.h"

namespace murder::swarm {

namespace {

// Two connections that come up at the same moment from both sides: within this time the rule
// decides which stays.
constexpr Duration crossing_window = std::chrono::seconds(2);
constexpr Duration duplicate_pause = std::chrono::seconds(30);
constexpr Duration complete_pause = std::chrono::minutes(10);
constexpr uint32_t strikes_max = 3;
// Who gave nothing for this long makes way for one that we dialled elsewhere under the same peer
// id, since an id is what a peer calls itself.
constexpr Duration idle_twin_after = std::chrono::seconds(20);
constexpr size_t culprits_max = 256;
// A session that was of no use for this long makes room when there is little.
constexpr Duration idle_until_given_up = std::chrono::seconds(10);
constexpr uint32_t spare_fraction = 16;  // of all: free ones to have
constexpr size_t struck_addresses_max = 1024;

}  // namespace

void Swarm::add_candidates(std::span<const Endpoint> endpoints, Instant now) {
  for (const Endpoint& endpoint : endpoints) {
    candidates_.add(endpoint, policy::Candidates::Source::tracker);
  }
  dial_more(now);
}

SessionId Swarm::accept(const Endpoint& remote, Instant now) {
  if (stopping_ || is_address_barred(remote.address)) {
    return {};
  }
  if (sessions_.size() + config_.sessions_max / spare_fraction >= config_.sessions_max) {
    make_room(now);
  }
  if (sessions_.full()) {
    return {};
  }
  const SessionId id = sessions_.make(remote, false, now, have_.size());
  by_slot_[id.slot] = id;
  return id;
}

// Gives up the session that neither gave nor took anything for the longest time: whoever came
// meanwhile may be of use. Its slot is free a little later, so that this begins before all are
// taken.
void Swarm::make_room(Instant now) {
  SessionId idlest;
  Instant idle_since = now - idle_until_given_up;
  uint32_t closing_count = 0;
  sessions_.each([&](SessionId id, const Session& session) {
    closing_count += session.state == Session::State::closing ? 1 : 0;
    if (session.state != Session::State::open && session.state != Session::State::handshaking) {
      return;
    }
    Instant used_at = session.opened_at;
    if (session.downloaded_bytes > 0) {
      used_at = std::max(used_at, session.payload_at);
    }
    if (session.uploaded_bytes > 0) {
      used_at = std::max(used_at, session.block_sent_at);
    }
    if (used_at < idle_since) {
      idlest = id;
      idle_since = used_at;
    }
  });
  if (idlest != SessionId{} && closing_count < config_.sessions_max / spare_fraction) {
    end(idlest, CloseReason::too_many, now);
  }
}

void Swarm::dial_more(Instant now) {
  const uint32_t to_dial =
      config_.rack.empty() ? config_.sessions_to_dial : limits::connections_to_dial_in_rack;
  const uint32_t outgoing_max = candidates_.size() > to_dial ? to_dial / 2 : to_dial;
  while (!stopping_ && !sessions_.full() && sessions_.size() < to_dial &&
         outgoing_count_ < outgoing_max && dialing_count_ < limits::dials_at_once_max) {
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
    ++outgoing_count_;
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
  if (std::find(culprits_.begin(), culprits_.end(),
                std::pair(session.remote.address, handshake.peer_id)) != culprits_.end()) {
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
  Session& other = *sessions_.get(*twin);
  const bool is_surely_it = other.remote.address == session.remote.address || have_.all();
  if (session.outgoing && !other.listens_on && is_surely_it) {
    learn_listening(other, session.remote);
  }
  const Instant gave_at = other.downloaded_bytes > 0 ? other.payload_at : other.opened_at;
  const bool makes_way =
      session.outgoing && !is_surely_it && session.opened_at - gave_at > idle_twin_after;
  const bool crossing = session.outgoing != other.outgoing &&
                        std::chrono::abs(session.opened_at - other.opened_at) < crossing_window;
  const bool prefers_outgoing = config_.peer_id > handshake.peer_id;
  if (!makes_way && (!crossing || session.outgoing != prefers_outgoing)) {
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
    if (*reason == CloseReason::self && !session->outgoing) {
      // The other end of this connection dialled: told who we are, it bars the address and ends.
      send_handshake(id, *session, now);
    } else {
      end(id, *reason, now);
    }
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
  ++stock_count_;
  send_pieces_we_have(id, session);
  if (session.extension_protocol) {
    session.grants.told_free = free_;
    send_extension_handshake(id, session);
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
    stock_count_ -= session->grants.spoken ? 0 : 1;
    uncover_rack(id, *session);
  }
  session->state = Session::State::closing;
  session->close_reason = reason;
  ++stats_.closed[static_cast<size_t>(reason)];
  forget_pieces(*session);
  forget_requests(id, *session);
  end_grants(id);
  update_grantable(id, *session);
  revoke_all(id, *session, false);
  let_go_of_pieces(id, *session, now);
  sink_.close(id, reason);
  admit(now);  // its place to be served is free
  update_free(now);
  grant_more(now);
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
  outgoing_count_ -= session->outgoing ? 1 : 0;
  sessions_.free(id);
  by_slot_[id.slot] = {};
  admit(now);
  fill_all(now);
  dial_more(now);
}

// It is connected, so it need not be dialled as well.
void Swarm::learn_listening(Session& session, const Endpoint& endpoint) {
  session.listens_on = endpoint;
  candidates_.add(endpoint, policy::Candidates::Source::itself);
  candidates_.postpone(endpoint, instant_never);
}

bool Swarm::is_connected(const Endpoint& endpoint) {
  bool found = false;
  sessions_.each([&](SessionId, const Session& session) {
    found = found || (session.state != Session::State::closing && session.listens_on == endpoint);
  });
  return found;
}

void Swarm::remember_end(const Session& session, Instant now) {
  if (!session.listens_on) {
    return;
  }
  const Endpoint& endpoint = *session.listens_on;
  if (is_connected(endpoint)) {
    candidates_.postpone(endpoint, instant_never);
    return;
  }
  if (has_nothing_to_exchange(session)) {
    candidates_.postpone(endpoint, now + complete_pause);
    return;
  }
  switch (session.close_reason) {
    case CloseReason::self:
    case CloseReason::wrong_data:
    case CloseReason::barred:
      if (endpoint.address == session.remote.address) {
        candidates_.bar(endpoint);
      } else {  // who listens there goes by its peer id, which anybody may take
        candidates_.postpone(endpoint, now);
      }
      return;
    case CloseReason::duplicate:
      candidates_.postpone(endpoint, now + duplicate_pause);
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

// By address: its peer id may be that of somebody honest.
void Swarm::bar(const Contributor& culprit, Instant now) {
  stats_.last_culprit = culprit.listens_on.value_or(culprit.remote);
  if (culprits_.size() < culprits_max) {
    culprits_.emplace_back(culprit.remote.address, culprit.peer_id);
  }
  const auto struck = std::find_if(strikes_.begin(), strikes_.end(), [&](const auto& entry) {
    return entry.first == culprit.remote.address;
  });
  if (struck != strikes_.end()) {
    ++struck->second;
  } else if (strikes_.size() < struck_addresses_max) {
    strikes_.emplace_back(culprit.remote.address, 1);
  }
  if (culprit.listens_on && culprit.listens_on->address == culprit.remote.address) {
    candidates_.bar(*culprit.listens_on);  // its session may be gone already
  }
  end(culprit.session, CloseReason::wrong_data, now);
}

// Several peers may share an address (one host in a test, a NAT): one culprit does not bar them
// all, three do.
bool Swarm::is_address_barred(const IpAddress& address) const {
  return std::any_of(strikes_.begin(), strikes_.end(), [&](const auto& entry) {
    return entry.first == address && entry.second >= strikes_max;
  });
}

}  // namespace murder::swarm
