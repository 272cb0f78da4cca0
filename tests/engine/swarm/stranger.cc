// The part of an attacker in a Network.
#include <algorithm>

#include "engine/codec/extension_handshake.h"
#include "engine/codec/grant_message.h"
#include "network_node.h"

namespace murder::test {

using namespace std::chrono_literals;
using codec::any_piece;
using codec::GrantKind;
using codec::MessageType;
using codec::PeerMessage;

namespace {

constexpr Duration drip_interval = 200ms;
constexpr Duration comes_back_after = 500ms;
constexpr uint8_t own_extended_id = 7;
constexpr uint32_t told_rate = 1U << 20U;

}  // namespace

Network::Stranger::Stranger(Network& network, uint32_t node, const swarm::SwarmConfig& config)
    : network_(network),
      node_(node),
      attack_(network.nodes_[node]->options.attack),
      config_(config),
      wanted_(network.prng_.below(config.geometry.piece_count())),
      taken_(config.geometry.piece_count()) {}

bool Network::Stranger::has_all() const {
  return attack_ <= Attack::liar;
}

bool Network::Stranger::speaks_grants() const {
  return attack_ != Attack::drip_stock && attack_ != Attack::idle;
}

bool Network::Stranger::reads() const {
  return attack_ != Attack::drip_taker;
}

void Network::Stranger::meet() {
  for (const auto& other : network_.nodes_) {
    if (other->swarm == nullptr || !other->alive) {
      continue;
    }
    uint32_t count = 0;
    for (const auto& [session, side] : network_.nodes_[node_]->links) {
      count += side.connection->ends[1 - side.index].node == other->index ? 1 : 0;
    }
    for (; count < network_.nodes_[node_]->options.connections; ++count) {
      network_.connect(node_, new_session(), other->index);
    }
  }
  network_.at(network_.now_ + comes_back_after, node_, [this] { meet(); });
}

PeerId Network::Stranger::id_for(Side side) const {
  const uint32_t peer = side.connection->ends[1 - side.index].node;
  return attack_ == Attack::squatter && peer > 0 ? network_.nodes_[peer - 1]->host.peer_id
                                                 : config_.peer_id;
}

void Network::Stranger::shake_hands(Side side) {
  const codec::Handshake handshake{.info_hash = config_.info_hash,
                                   .peer_id = id_for(side),
                                   .fast_extension = true,
                                   .extension_protocol = true};
  network_.pass_on(side, [net = &network_, handshake](Side to) { net->hear(to, handshake); });
}

void Network::Stranger::dialed(Side side) {
  shake_hands(side);
}

void Network::Stranger::hear(Side side, const codec::Handshake&) {
  if (side.index == 1) {
    shake_hands(side);
  }
  greet(side);
}

void Network::Stranger::greet(Side side) {
  send(side, {.type = has_all() ? MessageType::have_all : MessageType::have_none});
  codec::ExtensionHandshake handshake{.block_bytes_max = config_.block_bytes_max,
                                      .free = !has_all()};
  if (speaks_grants()) {
    handshake.extensions = {{std::string(codec::grant_extension_name), own_extended_id}};
  }
  const std::string payload = codec::encode_extension_handshake(handshake);
  send(side, {.type = MessageType::extended, .payload = as_bytes_of(payload)});
  send(side, {.type = MessageType::interested});
}

void Network::Stranger::send(Side side, const PeerMessage& message) {
  std::vector<uint8_t> payload(message.payload.begin(), message.payload.end());
  network_.pass_on(side, [net = &network_, message, payload](Side to) {
    PeerMessage heard = message;
    heard.payload = payload;
    net->hear(to, heard);
  });
}

void Network::Stranger::tell_all(const PeerMessage& message) {
  for (const auto& [session, side] : network_.nodes_[node_]->links) {
    send(side, message);
  }
}

void Network::Stranger::say(Side side, GrantKind kind, uint32_t value) {
  const auto wire = codec::encode_grant_message({.kind = kind, .value = value});
  send(side,
       {.type = MessageType::extended, .payload = wire, .extended_id = codec::grant_extension_id});
}

void Network::Stranger::ended(Side side) {
  Connection::End& end = side.connection->ends[side.index];
  end.open = false;
  end.blocks.clear();
  Node& node = *network_.nodes_[node_];
  node.links.erase(end.session);
  std::erase_if(node.uplink, [&](const Side& one) { return one.connection == side.connection; });
  network_.end_remote(side, swarm::CloseReason::remote_closed);
}

// --- what it does --------------------------------------------------------------------------------

void Network::Stranger::hear(Side side, const PeerMessage& message) {
  learn(side, message);
  if (message.type == MessageType::interested && !speaks_grants()) {
    send(side, {.type = MessageType::unchoke});
  } else if (message.type == MessageType::request) {
    on_request(side, message.block());
  } else if (message.type == MessageType::extended && message.extended_id == own_extended_id) {
    if (const auto grant = codec::decode_grant_message(message.payload)) {
      on_grant_message(side, *grant);
    }
  } else if (message.type == MessageType::extended && attack_ == Attack::mute) {
    say(side, GrantKind::free, told_rate);
  }
}

void Network::Stranger::on_grant_message(Side side, const codec::GrantMessage& message) {
  if (message.kind == GrantKind::free && has_all()) {
    say(side, GrantKind::grant, any_piece);
    say(side, GrantKind::grant, any_piece);
  }
  if (message.kind != GrantKind::grant || has_all()) {
    return;
  }
  if (attack_ == Attack::decliner) {
    say(side, GrantKind::decline, message.value);
    say(side, GrantKind::free, told_rate);
    return;
  }
  if (attack_ != Attack::freeloader && attack_ != Attack::leech && attack_ != Attack::drip_taker) {
    return;
  }
  const std::optional<PieceIndex> chosen = choose(side, message.value);
  if (!chosen) {
    say(side, GrantKind::decline, message.value);
    say(side, GrantKind::free, told_rate);
    return;
  }
  const PieceIndex piece = *chosen;
  const uint32_t size = config_.geometry.piece_size(piece);
  left_bytes_[{side.connection, piece.raw}] = size;
  const uint32_t block = std::min(config_.block_bytes_max, size);
  for (uint32_t offset = 0; offset < size; offset += block) {
    send(side, {.type = MessageType::request,
                .piece = piece,
                .offset = offset,
                .size_bytes = std::min(block, size - offset)});
  }
  say(side, GrantKind::free, told_rate);
}

// A leech takes what it lacks, in any order; others whatever comes next.
std::optional<PieceIndex> Network::Stranger::choose(Side side, uint32_t named) {
  const uint32_t count = config_.geometry.piece_count();
  for (uint32_t step = 0; step < count; ++step) {
    wanted_ = (wanted_ + 1) % count;
    const uint32_t piece = named == any_piece ? wanted_ : named;
    if (attack_ != Attack::leech) {
      return PieceIndex{piece};
    }
    const auto other = others_have_.find(side.connection);
    if (!taken_.test(piece) && other != others_have_.end() && other->second.test(piece)) {
      taken_.set(piece);
      return PieceIndex{piece};
    }
  }
  return std::nullopt;
}

void Network::Stranger::learn(Side side, const PeerMessage& message) {
  BitSet& has =
      others_have_.try_emplace(side.connection, config_.geometry.piece_count()).first->second;
  if (message.type == MessageType::have_all) {
    has.set_all();
  } else if (message.type == MessageType::have) {
    has.set(message.piece.raw);
  } else if (message.type == MessageType::bitfield) {
    for (uint32_t piece = 0; piece < has.size(); ++piece) {
      if ((message.payload[piece / 8] >> (7 - piece % 8) & 1) != 0) {
        has.set(piece);
      }
    }
  }
}

void Network::Stranger::block_came(Side side, const BlockRange& block) {
  uint32_t& left = left_bytes_[{side.connection, block.piece.raw}];
  left -= std::min(left, block.size_bytes);
  if (left == 0) {
    say(side, GrantKind::ending, block.piece.raw);
    if (attack_ == Attack::leech) {
      tell_all({.type = MessageType::have, .piece = block.piece});
    }
    say(side, GrantKind::free, told_rate);
  }
}

void Network::Stranger::on_request(Side side, const BlockRange& block) {
  if (attack_ == Attack::rejecter) {
    send(side, {.type = MessageType::reject_request,
                .piece = block.piece,
                .offset = block.offset,
                .size_bytes = block.size_bytes});
  } else if (attack_ == Attack::liar) {
    network_.nodes_[node_]->options.poisoned = 1;
    side.connection->ends[side.index].blocks.push_back(block);
    network_.pump(node_);
  } else if ((attack_ == Attack::drip || attack_ == Attack::drip_stock) &&
             dripping_.insert(side.connection).second) {
    network_.pass_on(side, [this, block](Side to) { network_.payload_begins(to, block); });
    drip(side);
  }
}

void Network::Stranger::drip(Side side) {
  if (side.connection->ends[side.index].open) {
    network_.pass_on(side, [this](Side to) { network_.hear_bytes(to, 1); });
    network_.at(network_.now_ + drip_interval, node_, [this, side] { drip(side); });
  }
}

}  // namespace murder::test
