#include "engine/swarm/connections.h"

#include <algorithm>

#include "engine/base/ensure.h"
#include "engine/policy/address_share.h"
#include "engine/swarm/bounds.h"

namespace murder::swarm {

namespace {

// Two connections that come up at the same moment from both sides: within this time the rule
// decides which stays.
constexpr Duration crossing_window = std::chrono::seconds(2);
constexpr Duration duplicate_pause = std::chrono::seconds(30);
constexpr Duration incoming_pause = std::chrono::seconds(2);  // who dialled us does so again
constexpr Duration complete_pause = std::chrono::minutes(10);
constexpr size_t culprits_max = 256;
constexpr uint32_t spare_fraction = 16;    // of all: free ones to have
constexpr uint32_t unproven_fraction = 8;  // of all: for those that proved nothing yet

bool is_same_address(const IpAddress& one, const IpAddress& other) {
  return policy::shared_address(one) == policy::shared_address(other);
}

}  // namespace

Connections::Connections(Context& context)
    : config_(context.config),
      sink_(context.sink),
      prng_(context.prng),
      sessions_(context.sessions),
      addresses_(context.addresses),
      candidates_(limits::candidates_max) {}

void Connections::named(std::span<const Endpoint> endpoints) {
  for (const Endpoint& endpoint : endpoints) {
    candidates_.add(endpoint, policy::Candidates::Source::tracker);
    sessions_.each([&](SessionId, Session& session) {
      session.named = session.named || session.remote.address == endpoint.address;
    });
  }
}

// --- who comes in --------------------------------------------------------------------------------

// Of a crowd at its address, and when few places are left of all, the session that is worth least
// makes way for a newcomer; the last places are for those that a tracker named.
bool Connections::is_crowded(const IpAddress& address, Instant now) const {
  return idle_count_at(address, now) >=
         policy::idle_connections_max(candidates_.named_count(address), config_.sessions_max);
}

bool Connections::is_nearly_full() const {
  return sessions_.size() + config_.sessions_max / spare_fraction >= config_.sessions_max;
}

SessionId Connections::oldest_unproven() const {
  SessionId oldest;
  Instant oldest_at = instant_never;
  uint32_t count = 0;
  sessions_.each([&](SessionId id, const Session& session) {
    if (session.state != Session::State::handshaking || session.outgoing) {
      return;
    }
    ++count;
    if (session.opened_at < oldest_at) {
      oldest = id;
      oldest_at = session.opened_at;
    }
  });
  const bool is_enough =
      count >= std::max(config_.sessions_max / unproven_fraction, 1U) || is_nearly_full();
  return is_enough ? oldest : SessionId{};
}

SessionId Connections::accept(const Endpoint& remote, Instant now) {
  const uint32_t named_count = candidates_.named_count(remote.address);
  const uint32_t spare = config_.sessions_max / spare_fraction;
  const uint32_t kept = named_count == 0 && candidates_.size() > 0 ? spare / 2 : 0;
  if (sessions_.full() || sessions_.size() + kept >= config_.sessions_max) {
    return {};
  }
  return make(remote, false, named_count > 0, now);
}

SessionId Connections::make(const Endpoint& remote, bool outgoing, bool named, Instant now) {
  const SessionId id = sessions_.make(remote, outgoing, now, config_.geometry.piece_count());
  Session* session = sessions_.get(id);
  ENSURE(session != nullptr);
  session->named = named;
  return id;
}

policy::NeighbourFacts Connections::facts_of(const Session& session, Instant now) const {
  policy::NeighbourFacts facts{
      .outgoing = session.outgoing,
      .shaken = session.state == Session::State::open,
      .exchanged =
          session.proven ||
          (session.grants.given.confirmed() > 0 && !session.only_takes(sessions_.has_takers())) ||
          (!session.grants.in_use && session.uploaded_bytes > 0 && !session.pieces.none()),
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

// Whoever came meanwhile may be of use. A slot is free a little after its session was ended, so
// this begins before all are taken, and not many end at once.
SessionId Connections::least_worth(const IpAddress* address, Instant now) const {
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
  return closing_count >= std::max(config_.sessions_max / spare_fraction, 1U) ? SessionId{} : least;
}

uint32_t Connections::idle_count_at(const IpAddress& address, Instant now) const {
  return static_cast<uint32_t>(
      std::count_if(sessions_.by_slot().begin(), sessions_.by_slot().end(), [&](SessionId id) {
        const Session* session = sessions_.get(id);
        return session != nullptr && session->state != Session::State::closing &&
               is_same_address(session->remote.address, address) &&
               !facts_of(*session, now).exchanged;
      }));
}

// --- who is dialled ------------------------------------------------------------------------------

uint32_t Connections::to_dial() const {
  return config_.rack.empty() ? config_.sessions_to_dial : limits::connections_to_dial_in_rack;
}

// Those that count, and those that are being dialled. Of those who came and exchanged nothing yet
// half as many as we dial at most count: strangers could keep us from dialling anybody. In a rack
// nearly all are known to come.
Connections::Counts Connections::counts(Instant now) const {
  Counts counted;
  const uint32_t newcomers_max = config_.rack.empty() ? to_dial() / 2 : to_dial();
  uint32_t newcomers = 0;
  for (const SessionId id : sessions_.by_slot()) {
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
      ++counted.dialing;
    }
    if (!facts.outgoing && !facts.exchanged && newcomers++ >= newcomers_max) {
      continue;
    }
    ++counted.all;
    counted.outgoing += session->outgoing ? 1U : 0U;
    counted.open += session->state == Session::State::open ? 1U : 0U;
  }
  ENSURE(counted.outgoing <= counted.all && counted.open <= counted.all);
  return counted;
}

void Connections::dial_more(Instant now) {
  const uint32_t wanted = to_dial();
  const uint32_t outgoing_max = candidates_.size() > wanted ? wanted / 2 : wanted;
  const uint32_t to_keep_free = config_.sessions_max / spare_fraction;
  if (sessions_.dialing_count() >= limits::dials_unanswered_max || !candidates_.has_any(now)) {
    return;
  }
  Counts counted = counts(now);
  while (sessions_.size() + to_keep_free < config_.sessions_max && counted.all < wanted &&
         counted.outgoing < outgoing_max && counted.dialing < limits::dials_at_once_max &&
         sessions_.dialing_count() < limits::dials_unanswered_max) {
    const std::optional<Endpoint> endpoint = candidates_.take(now, prng_);
    if (!endpoint) {
      return;
    }
    if (addresses_.is_barred(endpoint->address)) {
      candidates_.bar(*endpoint);
      continue;
    }
    const SessionId id = make(*endpoint, true, candidates_.named_count(endpoint->address) > 0, now);
    ++counted.all;
    ++counted.outgoing;
    ++counted.dialing;
    sink_.dial(id, *endpoint);
  }
}

// --- who it is -----------------------------------------------------------------------------------

// An id is public, so it counts with the address only.
std::optional<SessionId> Connections::twin_of(SessionId id, const Session& session,
                                              const PeerId& peer_id) const {
  std::optional<SessionId> twin;
  sessions_.each([&](SessionId other_id, const Session& other) {
    if (other_id != id && other.state == Session::State::open && other.peer_id == peer_id &&
        other.remote.address == session.remote.address) {
      twin = other_id;
    }
  });
  return twin;
}

Connections::Verdict Connections::judge(SessionId id, const Session& session,
                                        const codec::Handshake& handshake) {
  if (handshake.info_hash != config_.info_hash) {
    return {.refusal = CloseReason::wrong_info_hash};
  }
  if (handshake.peer_id == config_.peer_id) {
    return {.refusal = CloseReason::self};
  }
  if (std::find(culprits_.begin(), culprits_.end(),
                std::pair(session.remote.address, handshake.peer_id)) != culprits_.end()) {
    return {.refusal = CloseReason::barred};
  }
  const std::optional<SessionId> twin = twin_of(id, session, handshake.peer_id);
  if (!twin) {
    return {};
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
    return {.refusal = CloseReason::duplicate};
  }
  return {.makes_way = *twin};
}

void Connections::learn_listening(Session& session, const Endpoint& endpoint) {
  ENSURE(endpoint.port != 0);
  session.listens_on = endpoint;
  candidates_.add(endpoint, policy::Candidates::Source::itself);
  candidates_.postpone(endpoint, instant_never);
}

bool Connections::is_connected(const Endpoint& endpoint) const {
  bool found = false;
  sessions_.each([&](SessionId, const Session& session) {
    found = found || (session.state != Session::State::closing && session.listens_on == endpoint);
  });
  return found;
}

// --- what is remembered --------------------------------------------------------------------------

void Connections::remember_end(const Session& session, bool nothing_to_exchange, Instant now) {
  ENSURE(session.state == Session::State::closing);
  if (!session.listens_on) {
    return;
  }
  const Endpoint& endpoint = *session.listens_on;
  if (is_connected(endpoint)) {
    candidates_.postpone(endpoint, instant_never);
    return;
  }
  if (nothing_to_exchange) {
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
    case CloseReason::key_used_up:  // it worked, and the next connection takes its place
      candidates_.postpone(endpoint, session.outgoing ? now : now + incoming_pause);
      return;
    default:
      if (!session.outgoing) {
        candidates_.postpone(endpoint, now + incoming_pause);
      } else if (session.was_open) {
        candidates_.ended(endpoint, now, prng_);
      } else {
        candidates_.failed(endpoint, now, prng_);
      }
  }
}

// By address: its peer id may be that of somebody honest.
void Connections::bar(const Contributor& culprit, Instant now) {
  if (culprits_.size() < culprits_max) {
    culprits_.emplace_back(culprit.remote.address, culprit.peer_id);
  }
  addresses_.lied(culprit.remote.address, now);
  if (culprit.listens_on && culprit.listens_on->address == culprit.remote.address) {
    candidates_.bar(*culprit.listens_on);  // its session may be gone already
  }
}

std::string_view Connections::check() const {
  if (candidates_.size() > limits::candidates_max || culprits_.size() > culprits_max) {
    return "more addresses are remembered than may be";
  }
  if (sessions_.dialing_count() > limits::dials_unanswered_max) {
    return "more are dialled at a time than may be";
  }
  bool is_known = true;
  sessions_.each([&](SessionId, const Session& session) {
    is_known = is_known && (!session.outgoing || session.listens_on);
  });
  return is_known ? std::string_view() : "it is not known where one listens that we dialled";
}

}  // namespace murder::swarm
