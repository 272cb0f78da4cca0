// A whole shard on a fake kernel, and peers whose part the test plays.
#pragma once

#include <doctest/doctest.h>
#include <unistd.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "../../content.h"
#include "../../temporary_directory.h"
#include "engine/hash/info_hash.h"
#include "engine/node/shard.h"
#include "fake_kernel.h"
#include "wire.h"

namespace murder::test {

struct ShardSceneOptions {
  uint64_t size_bytes = 4 * 65536;
  uint32_t piece_bytes = 65536;
  bool is_seeder = false;
  uint64_t memory_bytes = limits::memory_bytes_default;
  node::SendPath send_path = node::SendPath::copy;
  node::Store::Access access = node::Store::Access::write;
  bool leased = false;
};

class ShardScene final : public node::ShardOutbox {
 public:
  explicit ShardScene(const ShardSceneOptions& options) : reactor(kernel.make_reactor()) {
    Prng prng(options.size_bytes);
    content = random_text(prng, options.size_bytes);
    metainfo.name = "r";
    metainfo.geometry = {.total_bytes = options.size_bytes, .piece_bytes = options.piece_bytes};
    metainfo.files = {{.path = "r", .offset = 0, .size_bytes = options.size_bytes}};
    for (uint32_t piece = 0; piece < metainfo.piece_count(); ++piece) {
      metainfo.piece_digests.push_back(hash::sha1(as_bytes_of(piece_content({piece}))));
    }
    if (options.is_seeder) {
      std::ofstream(path()) << content;
    }
    BitSet have(metainfo.piece_count());
    if (options.is_seeder) {
      have.set_all();
    }
    auto store = node::Store::open(metainfo, path(),
                                   options.is_seeder ? node::Store::Access::read : options.access);
    REQUIRE(store);
    auto listener = io::listen_tcp({*IpAddress::parse("127.0.0.1"), 0}, {});
    REQUIRE(listener);
    listener_fd = listener->get();
    auto made =
        node::Shard::create(*reactor,
                            {.index = {0},
                             .swarm = {.geometry = metainfo.geometry, .leased = options.leased},
                             .memory_bytes = options.memory_bytes,
                             .send_path = options.send_path},
                            metainfo, std::move(*store), have, std::move(*listener), *this);
    REQUIRE(made);
    shard = std::move(*made);
    shard->start();
    turns();
  }
  ShardScene(const ShardScene&) = delete;
  ShardScene& operator=(const ShardScene&) = delete;
  ~ShardScene() {
    if (!is_stopped) {
      kernel.release_everything();
      stop();
    }
    CHECK(is_stopped);
    shard.reset();
  }

  [[nodiscard]] std::string path() const { return directory / "r"; }
  [[nodiscard]] std::string_view piece_content(PieceIndex piece) const {
    return std::string_view(content).substr(metainfo.geometry.piece_offset(piece),
                                            metainfo.geometry.piece_size(piece));
  }
  void turns(int count = 12) {
    for (int turn = 0; turn < count; ++turn) {
      reactor->run_turn(Duration::zero());
      check();
    }
  }
  void pass(Duration duration) {
    const Instant end = reactor->now() + duration;
    while (reactor->now() < end) {
      reactor->run_turn(end - reactor->now());
      check();
    }
  }
  void stop() {
    shard->deliver(node::from_home::Stop{});
    pass(std::chrono::milliseconds(300));
  }
  void check() { CHECK(shard->swarm().broken_invariant() == ""); }  // after each turn
  [[nodiscard]] uint64_t closed(swarm::CloseReason reason) const {
    return shard->swarm().stats().closed[static_cast<size_t>(reason)];
  }

  void post(const node::ShardReport& report) override {
    std::visit([this](const auto& message) { on(message); }, report.message);
  }

  TemporaryDirectory directory;
  std::string content;
  codec::Metainfo metainfo;
  FakeKernel kernel;
  std::unique_ptr<io::Reactor> reactor;
  std::unique_ptr<node::Shard> shard;
  int listener_fd = -1;

  // What the shard reported.
  std::vector<int> read_errors;
  std::vector<int> write_errors;
  std::vector<PieceIndex> lease_requests;
  node::ShardStats stats;
  uint32_t completed_count = 0;
  bool is_stopped = false;

 private:
  void on(const node::ShardStats& message) { stats = message; }
  void on(const node::to_home::LeaseRequest& message) { lease_requests.push_back(message.piece); }
  void on(const node::to_home::LeaseReturn&) {}
  void on(const node::to_home::LeaseFulfilled&) {}
  void on(const node::to_home::Completed&) { ++completed_count; }
  void on(const node::to_home::Stopped&) { is_stopped = true; }
  void on(const node::to_home::WriteFailed& message) {
    write_errors.push_back(message.error_number);
  }
  void on(const node::to_home::ReadFailed& message) { read_errors.push_back(message.error_number); }
};

// A stock client that dials the shard.
class FakePeer {
 public:
  FakePeer(ShardScene& scene, uint8_t number) : scene_(scene) {
    const auto endpoint = io::local_endpoint(scene.listener_fd);
    REQUIRE(endpoint);
    auto client = io::open_tcp(*endpoint, std::nullopt);
    REQUIRE(client);
    const io::SocketAddress address = io::SocketAddress::from(*endpoint);
    REQUIRE(::connect(client->get(), address.get(), address.size_bytes) == 0);
    fd = ::accept4(scene.listener_fd, nullptr, nullptr, SOCK_CLOEXEC);
    REQUIRE(fd >= 0);
    other_end_ = std::move(*client);
    scene.kernel.accepts(scene.listener_fd, fd);
    codec::Handshake handshake;
    handshake.peer_id.bytes[0] = number;
    std::vector<uint8_t> wire(codec::handshake_bytes);
    codec::encode_handshake(handshake, std::span(wire).first<codec::handshake_bytes>());
    send(wire);
  }

  [[nodiscard]] FakeSocket& socket() { return scene_.kernel.socket(fd); }
  // Bytes that the shard receives.
  void send(std::span<const uint8_t> wire) {
    socket().incoming.insert(socket().incoming.end(), wire.begin(), wire.end());
  }
  void say(const codec::PeerMessage& message) {
    std::vector<uint8_t> wire;
    append_message(wire, message);
    send(wire);
  }
  void say(codec::MessageType type) { say(codec::PeerMessage{.type = type}); }
  void say(codec::MessageType type, const BlockRange& block) {
    say({.type = type,
         .piece = block.piece,
         .offset = block.offset,
         .size_bytes = block.size_bytes});
  }
  // It has everything and lets us fetch.
  void serve() {
    BitSet all(scene_.metainfo.piece_count());
    all.set_all();
    std::vector<uint8_t> wire((all.size() + 7) / 8);
    all.to_wire(wire);
    say({.type = codec::MessageType::bitfield, .payload = wire});
    say(codec::MessageType::unchoke);
  }
  // What the shard said, behind its handshake.
  [[nodiscard]] std::vector<HeardMessage> heard() {
    const std::span<const uint8_t> sent = socket().sent;
    return sent.size() < codec::handshake_bytes ? std::vector<HeardMessage>{}
                                                : messages_of(sent.subspan(codec::handshake_bytes));
  }
  [[nodiscard]] uint32_t count(codec::MessageType type) {
    const std::vector<HeardMessage> all = heard();
    return static_cast<uint32_t>(std::count_if(
        all.begin(), all.end(), [&](const HeardMessage& message) { return message.type == type; }));
  }
  // Requests that were heard and not answered yet, in order.
  [[nodiscard]] std::vector<BlockRange> take_requests() {
    std::vector<BlockRange> blocks;
    const std::vector<HeardMessage> all = heard();
    for (; answered_count_ < all.size(); ++answered_count_) {
      if (all[answered_count_].type == codec::MessageType::request) {
        blocks.push_back(all[answered_count_].block);
      }
    }
    return blocks;
  }
  void answer(const BlockRange& block) {
    std::vector<uint8_t> wire;
    append_block(wire, block,
                 scene_.piece_content(block.piece).substr(block.offset, block.size_bytes));
    send(wire);
  }
  // Serves what is asked for until nothing more is.
  void answer_all() {
    for (int round = 0; round < 100; ++round) {
      scene_.pass(std::chrono::milliseconds(20));
      for (const BlockRange& block : take_requests()) {
        answer(block);
      }
    }
  }
  // Bytes of the blocks that were heard, which hold what they should.
  [[nodiscard]] uint64_t payload_bytes() {
    uint64_t bytes = 0;
    for (const HeardMessage& message : heard()) {
      if (message.type == codec::MessageType::piece) {
        CHECK(message.payload == scene_.piece_content(message.block.piece)
                                     .substr(message.block.offset, message.payload.size()));
        bytes += message.payload.size();
      }
    }
    return bytes;
  }

  int fd = -1;

 private:
  ShardScene& scene_;
  io::Fd other_end_;
  size_t answered_count_ = 0;
};

}  // namespace murder::test
