#include "network.h"

#include <fmt/format.h>

#include <algorithm>

#include "network_node.h"

namespace murder::test {

using namespace std::chrono_literals;
using swarm::SessionId;

namespace {

constexpr uint32_t nobody = UINT32_MAX;  // an event that happens to no node
constexpr Duration announce_interval = 2s;
constexpr uint32_t peers_per_announce = 50;

constexpr auto later = [](const auto& left, const auto& right) {
  return left->when != right->when ? left->when > right->when : left->sequence > right->sequence;
};

}  // namespace

Network::Network(const NetworkOptions& options) : options_(options), prng_(options.seed) {}
Network::~Network() = default;

// --- nodes ---------------------------------------------------------------------------------------

uint32_t Network::add(const NodeOptions& options) {
  const auto index = static_cast<uint32_t>(nodes_.size());
  const uint32_t piece_count = options_.geometry.piece_count();
  if (!options.shard_of) {
    auto host = std::make_unique<Host>();
    const auto number = static_cast<uint32_t>(hosts_.size() + 1);
    const std::array<uint8_t, 4> address = {10, 0, static_cast<uint8_t>(number >> 8U),
                                            static_cast<uint8_t>(number)};
    host->endpoint = {IpAddress::from_v4(address), 6881};
    for (uint8_t& byte : host->peer_id.bytes) {
      byte = static_cast<uint8_t>(prng_.next());
    }
    host->stored = BitSet(piece_count);
    if (options.seed) {
      host->stored.set_all();
    }
    if (options.leased) {
      host->ledger.emplace(host->stored);
    }
    hosts_.push_back(std::move(host));
  }
  Host& host = options.shard_of ? nodes_[*options.shard_of]->host : *hosts_.back();
  host.nodes.push_back(index);
  const swarm::SwarmConfig config = {.info_hash = {},
                                     .peer_id = host.peer_id,
                                     .geometry = options_.geometry,
                                     .listen_port = host.endpoint.port,
                                     .sessions_max = options.sessions_max,
                                     .sessions_to_dial = 16,
                                     .piece_buffers = options.piece_buffers,
                                     .served_max = options.served_max,
                                     .leased = host.ledger.has_value()};
  nodes_.push_back(std::make_unique<Node>(*this, index, options, host, config));
  Node& node = *nodes_.back();
  if (options.attack != Attack::none) {
    node.stranger = std::make_unique<Stranger>(*this, index, config);
    at(now_, index, [&node] { node.stranger->meet(); });
    return index;
  }
  node.swarm = std::make_unique<swarm::Swarm>(config, host.stored, Prng(prng_.next()), node);
  at(now_ + Duration(prng_.below(100'000'000)), index, [this, index] { tick(index); });
  at(now_, index, [this, index] { announce(index); });
  return index;
}

void Network::announce(uint32_t node) {
  std::vector<Endpoint> endpoints;
  for (const auto& host : hosts_) {
    if (nodes_[host->nodes.front()]->alive) {
      endpoints.push_back(host->endpoint);  // its own among them
    }
  }
  prng_.shuffle(std::span(endpoints));
  endpoints.resize(std::min<size_t>(endpoints.size(), peers_per_announce));
  at(now_ + announce_interval, node, [this, node] { announce(node); });
  swarm(node).add_candidates(endpoints, now_);
}

void Network::tick(uint32_t node) {
  at(now_ + swarm::Swarm::tick_interval, node, [this, node] { tick(node); });
  swarm(node).tick(now_);
}

void Network::kill(uint32_t index, bool silently) {
  for (const uint32_t shard : nodes_[index]->host.nodes) {
    Node& node = *nodes_[shard];
    node.alive = false;
    node.silent = silently;
    for (const auto& [session, side] : node.links) {
      if (!silently && side.connection != nullptr && side.connection->ends[side.index].open) {
        end_remote(side, swarm::CloseReason::connection_lost);
      }
    }
  }
}

void Network::freeze(uint32_t index) {
  nodes_[index]->frozen = true;
}

void Network::thaw(uint32_t index) {
  Node& node = *nodes_[index];
  node.frozen = false;
  for (auto& action : std::exchange(node.held, {})) {
    at(now_, index, std::move(action));
  }
}

void Network::inject(uint32_t index, codec::MessageType type) {
  for (const auto& [session, side] : nodes_[index]->links) {
    if (side.connection != nullptr && side.connection->ends[side.index].open) {
      pass_on(side, [this, type](Side to) { hear(to, codec::PeerMessage{.type = type}); });
    }
  }
}

// --- time ----------------------------------------------------------------------------------------

void Network::at(Instant when, uint32_t actor, std::function<void()> action) {
  events_.push_back(std::make_unique<Event>(Event{when, event_count_++, actor, std::move(action)}));
  std::push_heap(events_.begin(), events_.end(), later);
}

void Network::step() {
  std::pop_heap(events_.begin(), events_.end(), later);
  const std::unique_ptr<Event> event = std::move(events_.back());
  events_.pop_back();
  now_ = std::max(now_, event->when);
  if (event->actor == nobody) {
    event->action();
    return;
  }
  Node& node = *nodes_[event->actor];
  if (node.alive && node.frozen) {
    node.held.push_back(std::move(event->action));
  } else if (node.alive) {
    event->action();
    flush(event->actor);
    check(event->actor);
  }
}

bool Network::run_until(const std::function<bool()>& done, Duration at_most) {
  const Instant limit = now_ + at_most;
  while (!done()) {
    if (events_.empty() || events_.front()->when > limit || !fault_.empty()) {
      return false;
    }
    step();
  }
  return fault_.empty();
}

bool Network::run_until_complete(Duration at_most) {
  return run_until(
      [this] {
        for (uint32_t node = 0; node < nodes_.size(); ++node) {
          if (nodes_[node]->alive && nodes_[node]->options.poisoned == 0 &&
              nodes_[node]->swarm != nullptr && !is_complete(node)) {
            return false;
          }
        }
        return true;
      },
      at_most);
}

void Network::run(Duration duration) {
  run_until([] { return false; }, duration);
}

// --- what is there -------------------------------------------------------------------------------

void Network::check(uint32_t node) {
  if (options_.checks_invariants && nodes_[node]->swarm != nullptr) {
    const std::string_view broken = nodes_[node]->swarm->broken_invariant();
    if (!broken.empty()) {
      note_fault(node, broken);
    }
  }
}

void Network::note_fault(uint32_t node, std::string_view what) {
  if (fault_.empty()) {
    fault_ =
        fmt::format("at {:.6f} s node {}: {}", seconds_of(now_.time_since_epoch()), node, what);
  }
}

swarm::Swarm& Network::swarm(uint32_t node) {
  return *nodes_[node]->swarm;
}

bool Network::is_alive(uint32_t node) const {
  return nodes_[node]->alive;
}

bool Network::is_complete(uint32_t node) {
  return swarm(node).complete();
}

uint32_t Network::completed_count(uint32_t node) const {
  return nodes_[node]->completed_count;
}

uint32_t Network::connection_count(uint32_t from, uint32_t to) {
  uint32_t count = 0;
  for (const auto& [session, side] : nodes_[from]->links) {
    const swarm::Session* state = swarm(from).session(session);
    if (side.connection != nullptr && state != nullptr &&
        state->state == swarm::Session::State::open &&
        side.connection->ends[1 - side.index].node == to) {
      ++count;
    }
  }
  return count;
}

uint64_t Network::closed_count(uint32_t node, swarm::CloseReason reason) {
  return swarm(node).stats().closed[static_cast<size_t>(reason)];
}

uint64_t Network::uploaded_bytes(uint32_t node) {
  return swarm(node).stats().uploaded_bytes;
}

uint64_t Network::honest_uploaded_bytes() {
  uint64_t bytes = 0;
  for (uint32_t node = 0; node < nodes_.size(); ++node) {
    bytes += nodes_[node]->swarm != nullptr ? uploaded_bytes(node) : 0;
  }
  return bytes;
}

Endpoint Network::endpoint(uint32_t node) const {
  return nodes_[node]->host.endpoint;
}

std::string Network::description() {
  std::string text = fmt::format("seed {}, at {:.3f} s: {}\n", options_.seed,
                                 seconds_of(now_.time_since_epoch()), fault_);
  for (const auto& node : nodes_) {
    if (node->swarm == nullptr) {
      continue;
    }
    const swarm::Swarm& state = *node->swarm;
    text += fmt::format("  node {}{}{}: has {}, wants {}, idle buffers {}, sessions {} ({} open)\n",
                        node->index, node->alive ? "" : " dead", node->frozen ? " frozen" : "",
                        state.have().count(), state.wanted_count(), state.active().idle_count(),
                        state.session_count(), state.open_count());
    for (size_t reason = 0; reason < state.stats().closed.size(); ++reason) {
      if (state.stats().closed[reason] > 0) {
        text += fmt::format("    closed for reason {}: {}\n", reason, state.stats().closed[reason]);
      }
    }
    if (!node->alive) {
      continue;
    }
    for (const auto& [id, side] : node->links) {
      if (const swarm::Session* session = state.session(id)) {
        text += fmt::format(
            "    to {}: state {}, has {}, useful {}, requested {} ({} B), revoked {}, {}{}{}{}"
            "{}{}{} grants, given {} of {} confirmed, granted again in {:.1f} s, {} B asked, {} "
            "unused, took {} points, {} of {} first copies spread\n",
            side.connection == nullptr ? nobody : side.connection->ends[1 - side.index].node,
            static_cast<int>(session->state), session->pieces.count(), session->useful_count,
            session->requested.size(), session->requested_bytes, session->revoked.size(),
            session->peer_choking ? "choked " : "", session->snubbed ? "snubbed " : "",
            session->suspect ? "suspect " : "", session->arriving ? "arriving " : "",
            session->grants.told_free ? "told-free " : "",
            session->grants.peer_free ? "is-free " : "", session->grants.grants,
            session->grants.given.confirmed(),
            session->grants.given.confirmed() + session->grants.given.unconfirmed(),
            seconds_of(session->grants.granted_again_at - now_), session->grants.asked_bytes,
            session->grants.unused_in_row, session->grants.took_points,
            session->grants.spread_copies, session->grants.first_copies);
      }
    }
  }
  return text;
}

}  // namespace murder::test
