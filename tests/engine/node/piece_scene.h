// A swarm that fetches from one neighbour, whose part the test plays, on a fake kernel: pieces come
// whole, and what the swarm wants hashed or written is written down.
#pragma once

#include <doctest/doctest.h>

#include <cstring>
#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "../../content.h"
#include "../../temporary_directory.h"
#include "../swarm/idle_sink.h"
#include "engine/hash/sha1.h"
#include "engine/node/piece_memory.h"
#include "engine/node/store.h"
#include "engine/swarm/swarm.h"
#include "fake_kernel.h"

namespace murder::test {

struct PieceSceneOptions {
  uint32_t piece_count = 8;
  uint32_t piece_bytes = 65536;
  node::PieceMemory::Size memory = {.buffer_count = 6, .place_count = 12};
};

class PieceScene : public IdleSink {
 public:
  explicit PieceScene(const PieceSceneOptions& options)
      : reactor(kernel.make_reactor()),
        content(content_of(options)),
        metainfo(metainfo_of(options, content)),
        store_on_disk(
            std::move(*node::Store::open(metainfo, directory / "r", node::Store::Access::write))),
        memory(std::move(*node::PieceMemory::create(metainfo.geometry, options.memory))),
        swarm({.geometry = metainfo.geometry, .piece_buffers = options.memory.buffer_count},
              BitSet(options.piece_count), Prng(1), *this) {
    reactor->run_turn(Duration::zero());
    neighbour_ = swarm.accept({IpAddress::from_v4(std::array<uint8_t, 4>{10, 0, 0, 1}), 6881},
                              reactor->now());
    REQUIRE_FALSE(neighbour_.is_none());
    codec::Handshake handshake{.fast_extension = true};
    handshake.peer_id.bytes[0] = 1;
    swarm.received(neighbour_, handshake, reactor->now());
    // It lacks the last piece, so that it may wait for one of ours.
    BitSet pieces(options.piece_count);
    pieces.set_all();
    pieces.reset(options.piece_count - 1);
    std::vector<uint8_t> wire(pieces.wire_bytes());
    pieces.to_wire(wire);
    swarm.received(neighbour_,
                   codec::PeerMessage{.type = codec::MessageType::bitfield, .payload = wire},
                   reactor->now());
    say(codec::MessageType::unchoke);
  }
  PieceScene(const PieceScene&) = delete;
  PieceScene& operator=(const PieceScene&) = delete;

  [[nodiscard]] std::string_view piece_content(PieceIndex piece) const {
    return std::string_view(content).substr(metainfo.geometry.piece_offset(piece),
                                            metainfo.geometry.piece_size(piece));
  }
  // The blocks that were asked for come, into `places`, until one more piece is whole. Returns its
  // buffer. `is_wrong`: with another last byte.
  BufferIndex bring_piece(node::PieceMemory& places, bool is_wrong = false) {
    const size_t whole_count = to_verify.size() + 1;
    while (to_verify.size() < whole_count) {
      REQUIRE_FALSE(requests.empty());
      bring_block(places, std::exchange(requests.front(), {}), is_wrong);
      requests.pop_front();
    }
    return to_verify.back();
  }
  void bring_block(node::PieceMemory& places, const BlockRange& block, bool is_wrong = false) {
    const swarm::PayloadPlace place = swarm.payload_begin(neighbour_, block, reactor->now());
    REQUIRE(place.wanted);
    uint8_t* bytes = places.at(place.buffer, place.offset);
    const std::string_view right = piece_content(block.piece).substr(block.offset);
    std::memcpy(bytes, right.data(), block.size_bytes);
    bytes[block.size_bytes - 1] ^= is_wrong ? 0xFF : 0;
    swarm.payload_end(neighbour_, reactor->now());
  }
  void say(codec::MessageType type) {
    swarm.received(neighbour_, codec::PeerMessage{.type = type}, reactor->now());
  }
  [[nodiscard]] PieceIndex piece_in(BufferIndex buffer) const {
    return swarm.active().at(buffer).piece;
  }
  void turns(int count = 12) {
    for (int turn = 0; turn < count; ++turn) {
      reactor->run_turn(Duration::zero());
    }
  }
  void pass(Duration duration) {
    const Instant end = reactor->now() + duration;
    while (reactor->now() < end) {
      reactor->run_turn(end - reactor->now());
    }
  }

  // --- what the swarm wants done ---
  void send(swarm::SessionId, const codec::PeerMessage& message) override {
    if (message.type == codec::MessageType::request) {
      requests.push_back(message.block());
    }
  }
  void verify(BufferIndex buffer, PieceIndex) override { to_verify.push_back(buffer); }
  void store(BufferIndex buffer, PieceIndex) override { to_store.push_back(buffer); }

  TemporaryDirectory directory;
  FakeKernel kernel;
  std::unique_ptr<io::Reactor> reactor;
  std::string content;
  codec::Metainfo metainfo;
  node::Store store_on_disk;
  node::PieceMemory memory;
  std::deque<BlockRange> requests;  // of the swarm, not answered yet
  std::vector<BufferIndex> to_verify;
  std::vector<BufferIndex> to_store;
  swarm::Swarm swarm;

 protected:
  ~PieceScene() = default;

 private:
  static std::string content_of(const PieceSceneOptions& options) {
    Prng prng(options.piece_count);
    return random_text(prng, size_t{options.piece_count} * options.piece_bytes);
  }
  static codec::Metainfo metainfo_of(const PieceSceneOptions& options, std::string_view content) {
    codec::Metainfo metainfo;
    metainfo.name = "r";
    metainfo.geometry = {.total_bytes = content.size(), .piece_bytes = options.piece_bytes};
    metainfo.files = {{.path = "r", .offset = 0, .size_bytes = content.size()}};
    for (uint32_t piece = 0; piece < options.piece_count; ++piece) {
      metainfo.piece_digests.push_back(hash::sha1(
          as_bytes_of(content.substr(uint64_t{piece} * options.piece_bytes, options.piece_bytes))));
    }
    return metainfo;
  }

  swarm::SessionId neighbour_;
};

}  // namespace murder::test
