// A sink that writes down what a swarm wants done, and a swarm with one peer whose part the test
// plays.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "engine/codec/grant_message.h"
#include "engine/swarm/bounds.h"
#include "engine/swarm/swarm.h"
#include "idle_sink.h"

namespace murder::test {

class Recorder final : public IdleSink {
 public:
  struct Sent {
    swarm::SessionId session;
    codec::PeerMessage message;
    std::vector<uint8_t> payload;
  };
  struct Closed {
    swarm::SessionId session;
    swarm::CloseReason reason;
  };
  struct Stored {
    BufferIndex buffer;
    PieceIndex piece;
  };

  void dial(swarm::SessionId session, const Endpoint&) override { dialed.push_back(session); }
  void send_handshake(swarm::SessionId session, const codec::Handshake&) override {
    handshakes.push_back(session);
  }
  void send(swarm::SessionId session, const codec::PeerMessage& message) override {
    sent.push_back({session, message, {message.payload.begin(), message.payload.end()}});
  }
  void send_block(swarm::SessionId session, const BlockRange& block) override {
    sent_blocks.emplace_back(session, block);
  }
  void disarm(swarm::SessionId session) override { disarming.push_back(session); }
  void close(swarm::SessionId session, swarm::CloseReason reason) override {
    closed.push_back({session, reason});
  }
  void verify(BufferIndex buffer, PieceIndex piece) override {
    verifying.push_back({buffer, piece});
  }
  void store(BufferIndex buffer, PieceIndex piece) override { storing.push_back({buffer, piece}); }
  void completed() override { ++completed_count; }

  // What of this type was said to the session, in order.
  [[nodiscard]] std::vector<BlockRange> said(swarm::SessionId session,
                                             codec::MessageType type) const {
    std::vector<BlockRange> blocks;
    for (const Sent& one : sent) {
      if (one.session == session && one.message.type == type) {
        blocks.push_back(one.message.block());
      }
    }
    return blocks;
  }
  // The grant messages that were sent to the session, in order.
  [[nodiscard]] std::vector<codec::GrantMessage> said_grants(swarm::SessionId session) const {
    std::vector<codec::GrantMessage> messages;
    for (const Sent& one : sent) {
      if (one.session == session && one.message.type == codec::MessageType::extended &&
          one.message.extended_id == own_extended_id) {
        messages.push_back(codec::decode_grant_message(one.payload).value());
      }
    }
    return messages;
  }
  [[nodiscard]] uint32_t count_grants(swarm::SessionId session, codec::GrantKind kind) const {
    const std::vector<codec::GrantMessage> said = said_grants(session);
    return static_cast<uint32_t>(
        std::count_if(said.begin(), said.end(),
                      [&](const codec::GrantMessage& one) { return one.kind == kind; }));
  }
  // What the peers of a bench that are of our kind want grant messages called.
  static constexpr uint8_t own_extended_id = 7;

  [[nodiscard]] bool has_closed(swarm::SessionId session, swarm::CloseReason reason) const {
    return std::any_of(closed.begin(), closed.end(), [&](const Closed& one) {
      return one.session == session && one.reason == reason;
    });
  }

  std::vector<swarm::SessionId> dialed;
  std::vector<swarm::SessionId> handshakes;
  std::vector<Sent> sent;
  std::vector<std::pair<swarm::SessionId, BlockRange>> sent_blocks;
  std::vector<swarm::SessionId> disarming;
  std::vector<Closed> closed;
  std::vector<Stored> verifying;
  std::vector<Stored> storing;
  uint32_t completed_count = 0;
};

// A swarm of `piece_count` pieces of 64 KiB.
class Bench {
 public:
  explicit Bench(bool complete, uint32_t piece_count = 8, const std::string& rack = {},
                 bool is_closed = false)
      : geometry{.total_bytes = uint64_t{piece_count} * 65536, .piece_bytes = 65536},
        swarm_(config(rack, is_closed), pieces(complete), Prng(1), sink) {}

  // A peer that dialled us and has said who it is.
  swarm::SessionId join(bool fast_extension = true) {
    const uint8_t number = ++peer_count_;
    const std::array<uint8_t, 4> address = {10, 0, 0, number};
    const swarm::SessionId id = swarm_.accept({IpAddress::from_v4(address), 50000}, now);
    codec::Handshake handshake{.fast_extension = fast_extension, .extension_protocol = true};
    handshake.peer_id.bytes[0] = number;
    swarm_.received(id, handshake, now);
    return id;
  }
  // The same, and it has everything and unchokes us.
  swarm::SessionId join_seed(bool fast_extension = true) {
    const swarm::SessionId id = join(fast_extension);
    std::vector<uint8_t> all((geometry.piece_count() + 7) / 8);
    pieces(true).to_wire(all);
    say(id, {.type = codec::MessageType::bitfield, .payload = all});
    say(id, {.type = codec::MessageType::unchoke});
    return id;
  }

  // One of our own kind that dialled us: it speaks grants.
  swarm::SessionId join_own(bool free, const std::string& rack = {}) {
    const swarm::SessionId id = join();
    const std::string handshake = codec::encode_extension_handshake(
        {.block_bytes_max = 65536,
         .free = free,
         .rack = rack,
         .extensions = {{std::string(codec::grant_extension_name), Recorder::own_extended_id}}});
    say(id, {.type = codec::MessageType::extended, .payload = as_bytes_of(handshake)});
    return id;
  }
  // The same, and it has everything.
  swarm::SessionId join_own_seed(const std::string& rack = {}) {
    const swarm::SessionId id = join_own(false, rack);
    say(id, {.type = codec::MessageType::have_all});
    return id;
  }
  void say_grant(swarm::SessionId id, codec::GrantKind kind, uint32_t value = codec::any_piece) {
    const auto payload = codec::encode_grant_message({.kind = kind, .value = value});
    say(id, {.type = codec::MessageType::extended,
             .payload = payload,
             .extended_id = codec::grant_extension_id});
  }
  // What waits to be hashed and stored is, and is right.
  void store_all() {
    for (const auto& [buffer, piece] : std::exchange(sink.verifying, {})) {
      swarm_.piece_verified(buffer, true, now);
      check();
    }
    for (const auto& [buffer, piece] : std::exchange(sink.storing, {})) {
      swarm_.piece_stored(buffer, now);
      check();
    }
  }

  void say(swarm::SessionId id, const codec::PeerMessage& message) {
    swarm_.received(id, message, now);
    check();
  }
  void say(swarm::SessionId id, codec::MessageType type, const BlockRange& block) {
    say(id, {.type = type,
             .piece = block.piece,
             .offset = block.offset,
             .size_bytes = block.size_bytes});
  }
  // All of a block's payload comes.
  swarm::PayloadPlace deliver(swarm::SessionId id, const BlockRange& block) {
    const swarm::PayloadPlace place = swarm_.payload_begin(id, block, now);
    check();
    swarm_.payload_end(id, now);
    check();
    return place;
  }
  void disarm_all() {
    for (const swarm::SessionId id : std::exchange(sink.disarming, {})) {
      swarm_.disarmed(id, now);
      check();
    }
  }
  void run(Duration duration) {
    for (Duration passed{}; passed < duration; passed += swarm::Swarm::tick_interval) {
      now += swarm::Swarm::tick_interval;
      swarm_.tick(now);
      check();
    }
  }
  void check() { broken = broken.empty() ? swarm_.broken_invariant() : broken; }

  swarm::Swarm& swarm() { return swarm_; }

  Geometry geometry;
  Recorder sink;
  Instant now{std::chrono::seconds(100)};
  std::string_view broken;  // the first rule that was broken

 private:
  [[nodiscard]] swarm::SwarmConfig config(const std::string& rack, bool is_closed) const {
    swarm::SwarmConfig config{
        .geometry = geometry, .listen_port = 6881, .is_closed = is_closed, .rack = rack};
    config.peer_id.bytes[0] = 255;
    return config;
  }
  [[nodiscard]] BitSet pieces(bool complete) const {
    BitSet have(geometry.piece_count());
    if (complete) {
      have.set_all();
    }
    return have;
  }

  swarm::Swarm swarm_;
  uint8_t peer_count_ = 0;
};

}  // namespace murder::test
