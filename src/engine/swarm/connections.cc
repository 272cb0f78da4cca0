// How sessions begin and end, and with whom.
#include <algorithm>

#include "engine/base/ensure.h"
#include "engine/policy/address_share.h"
#include "engine/policy/neighbour_worth.h"
#include "engine/swarm/bounds.h"
#include "engine/swarm/swarm.h"

namespace murder::swarm {

namespace {

// Two connections that come up at the same moment from both sides: within this time the rule
// decides which stays.
constexpr Duration crossing_window = std::chrono::seconds(2);
constexpr Duration duplicate_pause = std::chrono::seconds(30);
constexpr Duration complete_pause = std::chrono::minutes(10);
constexpr size_t culprits_max = 256;
constexpr uint32_t spare_fraction = 16;  // of all: free ones to have

bool is_same_address(const IpAddress& one, const IpAddress& other) {
  return policy::shared_address(one) == policy::shared_address(other);
}

}  // namespace

void Swarm::add_candidates(std::span<const Endpoint> endpoints, Instant now) {
  for (const Endpoint& endpoint : endpoints) {
    candidates_.add(endpoint, policy::Candidates::Source::tracker);
    for (const SessionId id : by_slot_) {
      Session* session = sessions_.get(id);
      if (session != nullptr && session->remote.address == endpoint.address) {
        session->named = true;
      }
    }
  }
  dial_more(now);
}

SessionId Swarm::accept(const Endpoint& remote, Instant now) {
  if (stopping_ || addresses_.is_barred(remote.address)) {
    return {};
  }
  const uint32_t named_count = candidates_.named_count(remote.address);
  if (!has_room_for(remote.address, named_count, now)) {
    return {};
  }
  return make_session(remote, false, named_count > 0, now);
}

SessionId Swarm::make_session(const Endpoint& remote, bool outgoing, bool named, Instant now) {
  const SessionId id = sessions_.make(remote, outgoing, now, have_.size());
  sessions_.get(id)->named = named;
  by_slot_[id.slot] = id;
  return id;
}

// For a newcomer. Of a crowd at its address, and when few places are left of all, the session that
// is worth least makes way; the last places are for those that a tracker named.
bool Swarm::has_room_for(const IpAddress& address, uint32_t named_count, Instant now) {
  const uint32_t spare = config_.sessions_max / spare_fraction;
  if (idle_count_at(address, now) >=
          policy::idle_connections_max(named_count, config_.sessions_max) &&
      !make_room(&address, now)) {
    return false;
  }
  if (sessions_.size() + spare >= config_.sessions_max) {
    make_room(nullptr, now);
  }
  const uint32_t kept = named_count == 0 && candidates_.size() > 0 ? spare / 2 : 0;
  return !sessions_.full() && sessions_.size() + kept < config_.sessions_max;
}

policy::NeighbourFacts Swarm::facts_of(const Session& session, Instant now) const {
  policy::NeighbourFacts facts{
      .outgoing = session.outgoing,
      .shaken = session.state == Session::State::open,
      .exchanged = session.proven || session.grants.given.confirmed() > 0 ||
                   (!session.grants.spoken && session.uploaded_bytes > 0 && !session.pieces.none()),
      .let_down = session.snub_count > 0 || addresses_.is_distrusted(session.remote.address, now),
      .under_way = session.requested_bytes > 0 || session.grants.grants > 0 ||
                   session.grants.asked_bytes > 0,
      .named = session.named,
      .age = now - session.opened_at};
  Instant used_at = session.opened_at;
  if (session.downloaded_bytes > 0) {
    used_at = std::max(used_at, session.payload_at);
  }
  if (session.uploaded_bytes > 0) {
    used_at = std::max(used_at, session.block_sent_at);
  }
  facts.unused = now - used_at;
  return facts;
}

uint32_t Swarm::neighbour_count(Instant now) const {
  return connection_counts(now).open;
}

// Gives up the session that is worth least, of this address (of those that came and exchanged
// nothing) or of all: whoever came meanwhile may be of use. Its slot is free a little later, so
// that this begins before all are taken. False: none may go.
bool Swarm::make_room(const IpAddress* address, Instant now) {
  SessionId least;
  uint32_t rank_most = 0;
  uint32_t closing_count = 0;
  sessions_.each([&](SessionId id, const Session& session) {
    closing_count += session.state == Session::State::closing ? 1 : 0;
    if (session.state != Session::State::open && session.state != Session::State::handshaking) {
      return;
    }
    policy::NeighbourFacts facts = facts_of(session, now);
    if (address != nullptr && (session.outgoing || facts.exchanged ||
                               !is_same_address(session.remote.address, *address))) {
      return;
    }
    if (address == nullptr && policy::eviction_rank(facts) > 1) {
      facts.twins_at_address = idle_count_at(session.remote.address, now);
    }
    const uint32_t rank = policy::eviction_rank(facts);
    if (rank > rank_most) {
      least = id;
      rank_most = rank;
    }
  });
  if (least.is_none() || closing_count >= std::max(config_.sessions_max / spare_fraction, 1U)) {
    return false;
  }
  end(least, CloseReason::too_many, now);
  return true;
}

uint32_t Swarm::idle_count_at(const IpAddress& address, Instant now) const {
  return static_cast<uint32_t>(std::count_if(by_slot_.begin(), by_slot_.end(), [&](SessionId id) {
    const Session* session = sessions_.get(id);
    return session != nullptr && session->state != Session::State::closing &&
           is_same_address(session->remote.address, address) && !facts_of(*session, now).exchanged;
  }));
}

uint32_t Swarm::connections_to_dial() const {
  return config_.rack.empty() ? config_.sessions_to_dial : limits::connections_to_dial_in_rack;
}

// Those that count, and those that are being dialled. Of those who came and exchanged nothing yet
// half as many as we dial at most count: strangers could keep us from dialling anybody. In a rack
// nearly all are known to come.
Swarm::ConnectionCounts Swarm::connection_counts(Instant now) const {
  ConnectionCounts counts;
  const uint32_t newcomers_max =
      config_.rack.empty() ? connections_to_dial() / 2 : connections_to_dial();
  uint32_t newcomers = 0;
  for (const SessionId id : by_slot_) {
    const Session* session = sessions_.get(id);
    if (session == nullptr || session->state == Session::State::closing) {
      continue;
    }
    const policy::NeighbourFacts facts = facts_of(*session, now);
    if (!policy::counts_as_neighbour(facts)) {
      continue;
    }
    if (session->state == Session::State::dialing) {
      if (now - session->opened_at >= limits::dial_counts_for) {
        continue;
      }
      ++counts.dialing;
    }
    if (!facts.outgoing && !facts.exchanged && newcomers++ >= newcomers_max) {
      continue;
    }
    ++counts.all;
    counts.outgoing += session->outgoing ? 1U : 0U;
    counts.open += session->state == Session::State::open ? 1U : 0U;
  }
  return counts;
}

void Swarm::dial_more(Instant now) {
  const uint32_t to_dial = connections_to_dial();
  const uint32_t outgoing_max = candidates_.size() > to_dial ? to_dial / 2 : to_dial;
  const uint32_t to_keep_free = config_.sessions_max / spare_fraction;
  if (stopping_ || dialing_count_ >= limits::dials_unanswered_max || !candidates_.has_any(now)) {
    return;
  }
  ConnectionCounts counts = connection_counts(now);
  while (sessions_.size() + to_keep_free < config_.sessions_max && counts.all < to_dial &&
         counts.outgoing < outgoing_max && counts.dialing < limits::dials_at_once_max &&
         dialing_count_ < limits::dials_unanswered_max) {
    const std::optional<Endpoint> endpoint = candidates_.take(now, prng_);
    if (!endpoint) {
      return;
    }
    if (addresses_.is_barred(endpoint->address)) {
      candidates_.bar(*endpoint);
      continue;
    }
    const SessionId id =
        make_session(*endpoint, true, candidates_.named_count(endpoint->address) > 0, now);
    ++dialing_count_;
    ++counts.all;
    ++counts.outgoing;
    ++counts.dialing;
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
  // An id is public, so it counts with the address only.
  std::optional<SessionId> twin;
  sessions_.each([&](SessionId other_id, const Session& other) {
    if (other_id != id && other.state == Session::State::open &&
        other.peer_id == handshake.peer_id && other.remote.address == session.remote.address) {
      twin = other_id;
    }
  });
  if (!twin) {
    return std::nullopt;
  }
  // When both sides dialled each other at once, both keep the connection that the larger peer id
  // opened.
  Session& other = *sessions_.get(*twin);
  const policy::NeighbourFacts facts = facts_of(other, session.received_at);
  if (session.outgoing && !other.listens_on && facts.exchanged) {
    learn_listening(other, session.remote);
  }
  // Nobody dials twice: of two that came from one address under one id, one is somebody else.
  const bool makes_way =
      !session.outgoing && !other.outgoing && !facts.exchanged && facts.age > crossing_window;
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
    if (session->grants.given.confirmed() == 0 && session->grants.given.unconfirmed() > 1) {
      addresses_.offended(session->remote.address, now);  // it will not say so any more
    }
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
    case CloseReason::too_slow:
    case CloseReason::requests_unanswered:
      candidates_.failed(endpoint, now, prng_);
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
  addresses_.lied(culprit.remote.address, now);
  failed_downloads_.one_more(now);
  if (culprit.listens_on && culprit.listens_on->address == culprit.remote.address) {
    candidates_.bar(*culprit.listens_on);  // its session may be gone already
  }
  end(culprit.session, CloseReason::wrong_data, now);
}

}  // namespace murder::swarm
