// The transport of a Network.
#include <algorithm>

#include "network_node.h"

namespace murder::test {

using namespace std::chrono_literals;
using swarm::CloseReason;
using swarm::SessionId;

namespace {

constexpr uint64_t unread_bytes_max = 4 * 1024 * 1024;  // socket buffers of both ends
constexpr Duration close_takes = 30us;
constexpr Duration disarm_takes = 20us;

}  // namespace

void Network::dial(uint32_t node, SessionId session, const Endpoint& endpoint) {
  nodes_[node]->links[session] = {};
  at(now_ + 2 * options_.latency, node, [this, node, session, endpoint] {
    if (nodes_[node]->closing.contains(session)) {
      return;
    }
    for (const auto& host : hosts_) {
      if (host->endpoint == endpoint) {
        const uint32_t shard = host->nodes[prng_.below(static_cast<uint32_t>(host->nodes.size()))];
        if (nodes_[shard]->alive) {
          connect(node, session, shard);
          return;
        }
        if (nodes_[shard]->silent) {
          return;
        }
      }
    }
    swarm(node).end(session, CloseReason::dial_failed, now_);
  });
}

void Network::connect(uint32_t node, SessionId session, uint32_t target) {
  connections_.push_back(std::make_unique<Connection>());
  Connection& connection = *connections_.back();
  const NodeOptions& left = nodes_[node]->options;
  const NodeOptions& right = nodes_[target]->options;
  connection.fast_extension = left.fast_extension && right.fast_extension;
  connection.extension_protocol = left.extension_protocol && right.extension_protocol;
  connection.ends[0].node = node;
  connection.ends[0].session = session;
  connection.ends[0].open = true;
  connection.ends[1].node = target;
  nodes_[node]->links[session] = {&connection, 0};
  nodes_[node]->uplink.push_back({&connection, 0});
  connection.ends[0].last_arrival = now_ + options_.latency;
  const Endpoint remote = {nodes_[node]->host.endpoint.address,
                           static_cast<uint16_t>(40000 + prng_.below(20000))};
  at(now_ + options_.latency, target, [this, target, remote, &connection] {
    const Side side = {&connection, 1};
    if (!connection.ends[0].open) {
      return;
    }
    const SessionId id = accept(target, remote);
    if (id.is_none()) {
      end_remote(side, CloseReason::remote_closed);
      return;
    }
    connection.ends[1].session = id;
    connection.ends[1].open = true;
    nodes_[target]->links[id] = side;
    nodes_[target]->uplink.push_back(side);
  });
  if (nodes_[node]->stranger != nullptr) {
    nodes_[node]->stranger->dialed({&connection, 0});
  } else {
    swarm(node).dialed(session, now_);
  }
}

SessionId Network::accept(uint32_t node, const Endpoint& remote) {
  return nodes_[node]->stranger != nullptr ? nodes_[node]->stranger->new_session()
                                           : swarm(node).accept(remote, now_);
}

// --- what comes to a node, or to a stranger ------------------------------------------------------

void Network::hear(Side to, const codec::Handshake& handshake) {
  const Connection::End& end = to.connection->ends[to.index];
  if (nodes_[end.node]->stranger != nullptr) {
    nodes_[end.node]->stranger->hear(to, handshake);
  } else {
    swarm(end.node).received(end.session, handshake, now_);
  }
}

void Network::hear(Side to, const codec::PeerMessage& message) {
  const Connection::End& end = to.connection->ends[to.index];
  if (nodes_[end.node]->stranger != nullptr) {
    nodes_[end.node]->stranger->hear(to, message);
  } else {
    swarm(end.node).received(end.session, message, now_);
  }
}

void Network::hear_bytes(Side to, uint32_t size_bytes) {
  const Connection::End& end = to.connection->ends[to.index];
  if (nodes_[end.node]->stranger == nullptr) {
    swarm(end.node).bytes_received(end.session, size_bytes, now_);
  }
}

void Network::hear_end(Side to, CloseReason reason) {
  Connection::End& end = to.connection->ends[to.index];
  if (nodes_[end.node]->stranger != nullptr) {
    nodes_[end.node]->stranger->ended(to);
  } else {
    swarm(end.node).end(end.session, reason, now_);
  }
}

// --- small messages ------------------------------------------------------------------------------

void Network::transmit(uint32_t node, SessionId session, std::function<void(Side)> deliver) {
  nodes_[node]->outbox.push_back({session, std::move(deliver)});
}

// What was said in one event leaves at its end, unless the session was closed in the same event.
void Network::flush(uint32_t index) {
  Node& node = *nodes_[index];
  for (Node::Said& said : std::exchange(node.outbox, {})) {
    const Side from = node.side(said.session);
    if (from.connection == nullptr || !from.connection->ends[from.index].open) {
      continue;
    }
    Connection::End& end = from.connection->ends[from.index];
    if (end.transmitting) {
      end.waiting.push_back(std::move(said.deliver));
    } else {
      pass_on(from, std::move(said.deliver));
    }
  }
  pump(index);
}

void Network::pass_on(Side from, std::function<void(Side)> deliver) {
  Connection::End& end = from.connection->ends[from.index];
  end.last_arrival = std::max(end.last_arrival, now_ + options_.latency);
  const Side to = {from.connection, 1 - from.index};
  at(end.last_arrival, to.connection->ends[to.index].node, [this, to, action = std::move(deliver)] {
    if (to.connection->ends[to.index].open) {
      action(to);
      arm(to);
    }
  });
}

void Network::end_remote(Side from, CloseReason reason) {
  pass_on(from, [this, reason](Side to) { hear_end(to, reason); });
}

void Network::close(uint32_t index, SessionId session) {
  Node& node = *nodes_[index];
  const Side side = node.side(session);
  if (!node.closing.insert(session).second) {
    note_fault(index, "a session is closed twice");
  }
  if (side.connection != nullptr) {
    side.connection->ends[side.index].open = false;
    side.connection->ends[side.index].blocks.clear();
    std::erase_if(node.uplink, [&](const Side& one) { return one.connection == side.connection; });
    end_remote(side, CloseReason::remote_closed);
  }
  at(now_ + close_takes, index, [this, index, session] {
    nodes_[index]->links.erase(session);
    nodes_[index]->closing.erase(session);
    swarm(index).closed(session, now_);
  });
}

// --- places --------------------------------------------------------------------------------------

// What the transport would name to the kernel after something came in.
void Network::arm(Side side) {
  Connection::End& end = side.connection->ends[side.index];
  if (nodes_[end.node]->stranger != nullptr) {
    return;
  }
  end.armed.clear();
  if (end.disarming && prng_.below(2) == 0) {
    answer_disarm(side);  // else more of the same receive is read first
  }
  if (end.open && !end.disarming) {
    end.armed.resize(8);
    end.armed.resize(swarm(end.node).expected(end.session, end.armed));
  }
}

void Network::disarm(uint32_t index, SessionId session) {
  const Side side = nodes_[index]->side(session);
  if (side.connection == nullptr || side.connection->ends[side.index].disarming) {
    note_fault(index, "disarm of a session that is disarmed already or has no transport");
    return;
  }
  side.connection->ends[side.index].disarming = true;
  at(now_ + disarm_takes, index, [this, side] {
    if (side.connection->ends[side.index].disarming) {
      answer_disarm(side);
      arm(side);
    }
  });
}

void Network::answer_disarm(Side side) {
  Connection::End& end = side.connection->ends[side.index];
  if (end.open) {
    end.disarming = false;
    end.armed.clear();
    swarm(end.node).disarmed(end.session, now_);
  }
}

// --- blocks --------------------------------------------------------------------------------------

// The uplink serves the connections in turn, a block at a time.
void Network::pump(uint32_t index) {
  Node& node = *nodes_[index];
  if (node.uplink_busy) {
    return;
  }
  const auto found = std::find_if(node.uplink.begin(), node.uplink.end(), [](const Side& side) {
    const Connection::End& end = side.connection->ends[side.index];
    return end.open && !end.blocks.empty() && end.unread_bytes < unread_bytes_max;
  });
  if (found != node.uplink.end()) {
    std::rotate(node.uplink.begin(), found + 1, node.uplink.end());
    send_next(node.uplink.back());
  }
}

void Network::send_next(Side from) {
  Connection::End& end = from.connection->ends[from.index];
  Node& node = *nodes_[end.node];
  const auto position =
      node.options.reorders ? prng_.below(static_cast<uint32_t>(end.blocks.size())) : uint32_t{0};
  const BlockRange block = end.blocks[position];
  end.blocks.erase(end.blocks.begin() + position);
  if (node.swarm != nullptr && !node.swarm->have().test(block.piece.raw)) {
    note_fault(end.node, "a block is sent that is not there");
  }
  node.uplink_busy = true;
  end.transmitting = true;
  end.unread_bytes += block.size_bytes;
  pass_on(from, [this, block](Side to) { payload_begins(to, block); });
  const auto takes =
      Duration(static_cast<int64_t>(1e9 * block.size_bytes / node.options.bytes_per_second));
  at(now_ + takes / 2, end.node, [this, from, block] {
    pass_on(from, [this, half = block.size_bytes / 2](Side to) { hear_bytes(to, half); });
  });
  const bool poisoned = prng_.unit() < node.options.poisoned;
  at(now_ + takes, end.node, [this, from, block, poisoned] {
    Connection::End& sender = from.connection->ends[from.index];
    nodes_[sender.node]->uplink_busy = false;
    sender.transmitting = false;
    if (!sender.open) {
      return;
    }
    pass_on(from, [this, block, poisoned](Side to) { payload_ends(to, block, poisoned); });
    for (auto& deliver : std::exchange(sender.waiting, {})) {
      pass_on(from, std::move(deliver));
    }
    if (nodes_[sender.node]->swarm != nullptr) {
      swarm(sender.node).block_sent(sender.session, block.size_bytes, now_);
    }
  });
}

void Network::payload_begins(Side to, const BlockRange& block) {
  Connection::End& end = to.connection->ends[to.index];
  Node& node = *nodes_[end.node];
  if (node.swarm == nullptr) {
    return;
  }
  // The kernel writes into the armed places in their order, whatever comes.
  if (!end.armed.empty() && end.armed.front().block != block) {
    for (const swarm::OutgoingRequest& place : end.armed) {
      node.write(place.buffer, place.block.offset, place.block.size_bytes, block.piece, torn_tag);
    }
  }
  end.arriving = node.swarm->payload_begin(end.session, block, now_);
  if (end.arriving.wanted && end.open) {
    node.write(end.arriving.buffer, end.arriving.offset, block.size_bytes, block.piece, torn_tag);
  }
}

void Network::payload_ends(Side to, const BlockRange& block, bool poisoned) {
  Connection::End& end = to.connection->ends[to.index];
  Connection::End& sender = to.connection->ends[1 - to.index];
  Node& node = *nodes_[end.node];
  if (node.stranger != nullptr && !node.stranger->reads()) {
    return;
  }
  sender.unread_bytes -= block.size_bytes;
  if (node.stranger != nullptr) {
    at(now_, sender.node, [] {});
    node.stranger->block_came(to, block);
    return;
  }
  at(now_, sender.node, [] {});  // its uplink may go on
  if (end.arriving.wanted) {
    node.write(end.arriving.buffer, end.arriving.offset, block.size_bytes, block.piece,
               poisoned ? std::optional(wrong_tag) : std::nullopt);
    node.swarm->payload_end(end.session, now_);
  }
}

}  // namespace murder::test
