#include "network_node.h"

#include <algorithm>

namespace murder::test {

using namespace std::chrono_literals;
using swarm::SessionId;
using swarm::unit_bytes;

namespace {

constexpr Duration verify_takes = 50us;
constexpr Duration store_takes = 100us;
constexpr Duration mail_takes = 5us;

}  // namespace

Network::Node::Node(Network& own_network, uint32_t own_index, const NodeOptions& own_options,
                    Host& own_host, const swarm::SwarmConfig& config)
    : network(own_network),
      index(own_index),
      options(own_options),
      host(own_host),
      buffers(config.piece_buffers,
              std::vector<uint64_t>((config.geometry.piece_bytes + unit_bytes - 1) / unit_bytes,
                                    torn_tag)) {}

Network::Side Network::Node::side(SessionId session) const {
  const auto found = links.find(session);
  return found == links.end() ? Side{} : found->second;
}

// Without a tag the right one is written.
void Network::Node::write(BufferIndex buffer, uint32_t offset, uint32_t size_bytes,
                          PieceIndex piece, std::optional<uint64_t> tag) {
  const uint32_t first = offset / unit_bytes;
  const uint32_t count = (size_bytes + unit_bytes - 1) / unit_bytes;
  for (uint32_t unit = first; unit < first + count; ++unit) {
    buffers[buffer.raw][unit] = tag.value_or(right_tag(piece, unit));
  }
}

// --- transport -----------------------------------------------------------------------------------

void Network::Node::dial(SessionId session, const Endpoint& endpoint) {
  network.dial(index, session, endpoint);
}

void Network::Node::send_handshake(SessionId session, const codec::Handshake& handshake) {
  network.transmit(index, session, [net = &network, handshake](Side to) {
    codec::Handshake heard = handshake;
    heard.fast_extension = heard.fast_extension && to.connection->fast_extension;
    heard.extension_protocol = heard.extension_protocol && to.connection->extension_protocol;
    net->hear(to, heard);
  });
}

void Network::Node::send(SessionId session, const codec::PeerMessage& message) {
  std::vector<uint8_t> payload(message.payload.begin(), message.payload.end());
  network.transmit(index, session, [net = &network, message, payload](Side to) {
    codec::PeerMessage heard = message;
    heard.payload = payload;
    net->hear(to, heard);
  });
}

void Network::Node::send_block(SessionId session, const BlockRange& block) {
  const Side from = side(session);
  if (from.connection == nullptr || !from.connection->ends[from.index].open) {
    network.note_fault(index, "a block for a session without transport");
    return;
  }
  if (network.prng_.unit() >= options.rejected) {
    from.connection->ends[from.index].blocks.push_back(block);
    return;
  }
  network.at(network.now(), index, [this, session, block] {
    if (!side(session).connection || closing.contains(session)) {
      return;
    }
    send(session, {.type = codec::MessageType::reject_request,
                   .piece = block.piece,
                   .offset = block.offset,
                   .size_bytes = block.size_bytes});
    swarm->block_sent(session, block.size_bytes, network.now());
  });
}

void Network::Node::disarm(SessionId session) {
  network.disarm(index, session);
}

void Network::Node::close(SessionId session, swarm::CloseReason) {
  network.close(index, session);
}

// --- store ---------------------------------------------------------------------------------------

bool Network::Node::is_right(BufferIndex buffer, PieceIndex piece) const {
  const uint32_t size = network.options_.geometry.piece_size(piece);
  for (uint32_t unit = 0; unit * unit_bytes < size; ++unit) {
    if (buffers[buffer.raw][unit] != right_tag(piece, unit)) {
      return false;
    }
  }
  return true;
}

void Network::Node::verify(BufferIndex buffer, PieceIndex piece) {
  network.at(network.now() + verify_takes, index,
             [this, buffer, piece, before = buffers[buffer.raw]] {
               if (buffers[buffer.raw] != before) {
                 network.note_fault(index, "a buffer changed while it was hashed");
               }
               const std::vector<uint64_t>& tags = buffers[buffer.raw];
               if (std::find(tags.begin(), tags.end(), wrong_tag) == tags.end() &&
                   !is_right(buffer, piece)) {
                 network.note_fault(index, "a piece is torn although nobody sent wrong bytes");
               }
               swarm->piece_verified(buffer, is_right(buffer, piece), network.now());
             });
}

void Network::Node::store(BufferIndex buffer, PieceIndex piece) {
  network.at(network.now() + store_takes, index, [this, buffer, piece] {
    if (!is_right(buffer, piece)) {
      network.note_fault(index, "wrong bytes are stored");
    }
    host.stored.set(piece.raw);
    swarm->piece_stored(buffer, network.now());
  });
}

// --- leases --------------------------------------------------------------------------------------

void Network::Node::to_home(std::function<void()> action) {
  network.at(network.now() + mail_takes, host.nodes.front(), std::move(action));
}

void Network::Node::request_lease(PieceIndex piece) {
  to_home([this, piece] {
    const bool granted = host.ledger->lease(piece, {index}, network.now());
    network.at(network.now() + mail_takes, index,
               [this, piece, granted] { swarm->lease_answered(piece, granted, network.now()); });
  });
}

void Network::Node::return_lease(PieceIndex piece) {
  to_home([this, piece] {
    if (host.ledger->give_back(piece, {index})) {
      for (const uint32_t shard : host.nodes) {
        network.at(network.now() + mail_takes, shard, [this, shard, piece] {
          network.swarm(shard).lease_freed(piece, network.now());
        });
      }
    }
  });
}

void Network::Node::lease_fulfilled(PieceIndex piece) {
  to_home([this, piece] {
    if (host.ledger->fulfil(piece)) {
      for (const uint32_t shard : host.nodes) {
        network.at(network.now() + mail_takes, shard, [this, shard, piece] {
          network.swarm(shard).piece_stored_elsewhere(piece, network.now());
        });
      }
    }
  });
}

}  // namespace murder::test
