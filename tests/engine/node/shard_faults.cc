// A shard whose disk, sockets and kernel fail, are short or late.
#include <cerrno>

#include "shard_scene.h"

using namespace murder;
using namespace murder::test;
using namespace std::chrono_literals;
using codec::MessageType;
using swarm::CloseReason;

namespace {

// The peer fetches the first blocks of a piece from the shard.
void ask(FakePeer& peer, PieceIndex piece, uint32_t count) {
  for (uint32_t index = 0; index < count; ++index) {
    peer.say(MessageType::request, {piece, index * 16384, 16384});
  }
}

}  // namespace

TEST_CASE("a release arrives through receives and writes of any size") {
  for (const size_t receive_max : {size_t{1000}, size_t{16397}, SIZE_MAX}) {
    CAPTURE(receive_max);
    ShardScene scene({});
    FakePeer peer(scene, 1);
    scene.turns();
    peer.socket().receive_max = receive_max;
    scene.kernel.writes = {{.size_bytes = 1},
                           {.error_number = EINTR},
                           {.size_bytes = 40'000},
                           {.error_number = EAGAIN},
                           {.size_bytes = 4096}};
    peer.serve();
    peer.answer_all();
    CHECK(scene.completed_count == 1);
    CHECK(scene.kernel.writes.empty());
    CHECK(scene.write_errors.empty());
    CHECK(scene.stats.downloaded_bytes == scene.content.size());
    CHECK(read_file(scene.path()) == scene.content);
  }
}

TEST_CASE("a disk that is full or broken is told, and what was not written does not count") {
  for (const auto& each : {std::pair(DiskFault{.error_number = ENOSPC}, ENOSPC),
                           std::pair(DiskFault{.error_number = EIO}, EIO),
                           std::pair(DiskFault{.size_bytes = 0}, ENOSPC)}) {
    const int expected = each.second;
    CAPTURE(expected);
    ShardScene scene({});
    scene.kernel.writes = {{.size_bytes = 30'000}, each.first};
    FakePeer peer(scene, 1);
    peer.serve();
    peer.answer_all();
    CHECK(scene.write_errors == std::vector{expected});
    CHECK(scene.shard->swarm().stored().count() == 3);
    CHECK(scene.completed_count == 0);
  }
}

TEST_CASE("a file system that refuses direct writes is written through the page cache") {
  for (const int error_number : {EINVAL, EOPNOTSUPP}) {
    ShardScene scene({.access = node::Store::Access::write_direct});
    scene.kernel.writes = {{.error_number = error_number}};
    FakePeer peer(scene, 1);
    peer.serve();
    peer.answer_all();
    CHECK(scene.completed_count == 1);
    CHECK(scene.write_errors.empty());
    CHECK(read_file(scene.path()) == scene.content);
  }
}

TEST_CASE("a piece is announced and served before it is written, and counts when it is") {
  ShardScene scene({.size_bytes = 32 * 65536});  // enough places to serve unstored pieces
  FakePeer seeder(scene, 1);
  FakePeer other(scene, 2);
  scene.turns();
  other.say(MessageType::interested);
  scene.kernel.disk_is_held = true;
  seeder.serve();
  seeder.answer_all();
  CHECK(other.count(MessageType::have) == 32);
  CHECK(scene.shard->swarm().have().all());
  CHECK(scene.shard->swarm().stored().none());
  ask(other, {2}, 4);
  scene.pass(200ms);
  CHECK(other.payload_bytes() == 65536);
  CHECK(scene.stats.io.sent_memory_bytes == 65536);
  scene.kernel.disk_is_held = false;
  scene.pass(200ms);
  CHECK(scene.completed_count == 1);
  CHECK(read_file(scene.path()) == scene.content);
}

TEST_CASE("a shard that is told to stop ends when the disk and the kernel are done with it") {
  ShardScene scene({});
  FakePeer seeder(scene, 1);
  scene.kernel.disk_is_held = true;
  seeder.serve();
  seeder.answer_all();
  scene.stop();
  CHECK_FALSE(scene.is_stopped);
  CHECK(scene.shard->swarm().session_count() == 0);
  scene.kernel.disk_is_held = false;
  scene.pass(200ms);
  CHECK(scene.is_stopped);
  CHECK(read_file(scene.path()) == scene.content);
}

TEST_CASE("what a shard did just before it stopped is told") {
  ShardScene scene({.is_seeder = true});
  FakePeer peer(scene, 1);
  scene.turns();
  peer.say(MessageType::interested);
  scene.pass(200ms);
  ask(peer, {1}, 4);
  scene.turns();
  REQUIRE(peer.payload_bytes() == 65536);
  scene.stop();
  CHECK(scene.is_stopped);
  CHECK(scene.stats.uploaded_bytes == 65536);
  CHECK(scene.stats.io.sent_read_bytes + scene.stats.io.sent_splice_bytes == 65536);
}

TEST_CASE("a read that fails while a peer is served is told, and ends its session") {
  ShardScene scene({.is_seeder = true});
  FakePeer peer(scene, 1);
  scene.turns();
  peer.say(MessageType::interested);
  scene.pass(200ms);
  scene.kernel.reads = {{.error_number = EIO}};
  ask(peer, {1}, 4);
  scene.pass(200ms);
  CHECK(scene.read_errors == std::vector{EIO});
  CHECK(scene.closed(CloseReason::read_failed) == 1);
  CHECK(peer.payload_bytes() == 0);
  CHECK(peer.socket().is_closed);
}

TEST_CASE("a session whose receive ends late is not free before, nor are its places") {
  ShardScene scene({});
  FakePeer peer(scene, 1);
  scene.turns();
  peer.serve();
  scene.pass(200ms);
  const std::vector<BlockRange> asked = peer.take_requests();
  REQUIRE_FALSE(asked.empty());
  scene.kernel.cancels = FakeKernel::Cancel::never;
  peer.socket().send_errors = {EPIPE};
  for (uint32_t piece = 0; piece < 2; ++piece) {  // something has to be sent
    FakePeer other(scene, static_cast<uint8_t>(10 + piece));
    scene.turns();
  }
  scene.pass(61s);  // a keep-alive
  CHECK(scene.closed(CloseReason::connection_lost) == 1);
  CHECK_FALSE(peer.socket().is_closed);
  CHECK(scene.shard->swarm().session_count() > 0);
  peer.answer(asked[0]);  // the kernel still writes to the place
  scene.turns();
  CHECK(peer.socket().is_closed);
  scene.kernel.cancels = FakeKernel::Cancel::at_once;
  // Another peer delivers everything.
  FakePeer second(scene, 2);
  second.serve();
  second.answer_all();
  CHECK(scene.completed_count == 1);
  CHECK(read_file(scene.path()) == scene.content);
}

TEST_CASE(
    "requests that are taken back are asked of others when no receive writes there any more") {
  for (const auto cancels : {FakeKernel::Cancel::at_once, FakeKernel::Cancel::never}) {
    const bool is_late = cancels == FakeKernel::Cancel::never;
    CAPTURE(is_late);
    ShardScene scene({.size_bytes = 65536});  // one piece
    FakePeer slow(scene, 1);
    scene.turns();
    slow.serve();
    scene.pass(100ms);
    const std::vector<BlockRange> asked = slow.take_requests();
    REQUIRE(asked.size() >= 2);
    slow.answer(asked[0]);
    scene.turns();
    FakePeer quick(scene, 2);
    scene.turns();
    quick.serve();
    scene.kernel.cancels = cancels;
    slow.say(MessageType::choke);  // without the fast extension, all requests are void
    scene.pass(500ms);
    if (is_late) {
      // The place may still be written to: nobody else is asked for these blocks.
      slow.say(MessageType::have, {{0}, 0, 0});
      scene.pass(100ms);
    }
    quick.answer_all();
    CHECK(scene.completed_count == 1);
    CHECK(read_file(scene.path()) == scene.content);
  }
}

TEST_CASE("connections are taken again after the kernel ran out of descriptors") {
  ShardScene scene({.is_seeder = true});
  scene.kernel.accepts(scene.listener_fd, -EMFILE);
  scene.turns();
  CHECK(scene.kernel.pending(IORING_OP_ACCEPT) == 0);
  scene.pass(50ms);
  CHECK(scene.kernel.pending(IORING_OP_ACCEPT) == 0);
  scene.pass(60ms);
  CHECK(scene.kernel.pending(IORING_OP_ACCEPT) == 1);
  FakePeer peer(scene, 1);
  scene.turns();
  CHECK(scene.shard->swarm().session_count() == 1);
  CHECK(peer.socket().sent.size() >= codec::handshake_bytes);
}

TEST_CASE("a shard stops while it waits to accept again, and takes nobody then") {
  ShardScene scene({.is_seeder = true});
  scene.kernel.accepts(scene.listener_fd, -EMFILE);
  scene.turns();
  scene.stop();
  CHECK(scene.is_stopped);
  scene.pass(300ms);
  CHECK(scene.kernel.pending(IORING_OP_ACCEPT) == 0);
}

TEST_CASE("a connection that comes while the shard stops is closed") {
  ShardScene scene({.is_seeder = true});
  scene.kernel.cancels = FakeKernel::Cancel::never;
  scene.stop();
  CHECK_FALSE(scene.is_stopped);
  FakePeer peer(scene, 1);
  scene.turns();
  CHECK(scene.shard->swarm().session_count() == 0);
  CHECK(peer.socket().sent.empty());
  scene.kernel.accepts(scene.listener_fd, -ECANCELED);
  scene.turns();
  CHECK(scene.is_stopped);
}

TEST_CASE("a candidate is dialled, and fetched from") {
  ShardScene scene({.size_bytes = 16384, .piece_bytes = 16384});
  scene.shard->deliver(node::from_home::Candidate{{*IpAddress::parse("127.0.0.1"), 7}});
  scene.pass(200ms);
  REQUIRE(scene.kernel.dialed.size() == 1);
  const int fd = scene.kernel.dialed[0].fd;
  CHECK(scene.kernel.socket(fd).sent.size() >= codec::handshake_bytes);
  std::vector<uint8_t> wire(codec::handshake_bytes);
  codec::Handshake handshake;
  handshake.peer_id.bytes[0] = 9;
  codec::encode_handshake(handshake, std::span(wire).first<codec::handshake_bytes>());
  const std::vector<uint8_t> all = {0x80};
  append_message(wire, {.type = MessageType::bitfield, .payload = all});
  append_block(wire, {{0}, 0, 16384}, scene.content);  // before it is asked for: not wanted
  append_message(wire, {.type = MessageType::unchoke});
  scene.kernel.socket(fd).incoming = wire;
  scene.pass(200ms);
  CHECK(scene.stats.wasted_bytes == 16384);
  wire.clear();
  append_block(wire, {{0}, 0, 16384}, scene.content);
  scene.kernel.socket(fd).incoming = wire;
  scene.pass(200ms);
  CHECK(scene.completed_count == 1);
}

TEST_CASE("with several shards a piece is fetched once the home has leased it") {
  ShardScene scene({.leased = true});
  FakePeer peer(scene, 1);
  peer.serve();
  peer.answer_all();
  CHECK(scene.completed_count == 0);
  REQUIRE_FALSE(scene.lease_requests.empty());
  const PieceIndex first = scene.lease_requests[0];
  scene.shard->deliver(node::from_home::StoredElsewhere{first});
  for (int round = 0; round < 10; ++round) {
    for (const PieceIndex piece : std::exchange(scene.lease_requests, {})) {
      scene.shard->deliver(node::from_home::LeaseAnswer{piece, piece != first});
    }
    peer.answer_all();
  }
  CHECK(scene.shard->swarm().stored().all());
  CHECK(scene.stats.downloaded_bytes == scene.content.size() - 65536);
}

TEST_CASE("a piece with wrong bytes is fetched again, and its sender is known") {
  ShardScene scene({});
  FakePeer liar(scene, 1);
  liar.serve();
  for (int round = 0; round < 20; ++round) {
    scene.pass(50ms);
    for (const BlockRange& block : liar.take_requests()) {
      std::vector<uint8_t> wire;
      append_block(wire, block, std::string(block.size_bytes, 'x'));
      liar.send(wire);
    }
  }
  CHECK(scene.stats.failed_pieces > 0);
  CHECK(scene.stats.last_culprit.has_value());
  CHECK(scene.kernel.write_count == 0);
  CHECK(scene.shard->swarm().have().none());
}

TEST_CASE("neighbours that do not read keep nobody from being served") {
  // Large pieces of a file, so that chunks are what is short.
  ShardScene scene({.size_bytes = 8 << 20U, .piece_bytes = 1 << 20U, .is_seeder = true});
  std::vector<std::unique_ptr<FakePeer>> peers;
  for (uint8_t number = 1; number <= 12; ++number) {
    peers.push_back(std::make_unique<FakePeer>(scene, number));
    scene.turns();
    peers.back()->say(MessageType::interested);
    peers.back()->socket().window_bytes = 50'000;
    ask(*peers.back(), {number % 8U}, 64);
  }
  scene.pass(5s);
  FakePeer reader(scene, 100);
  scene.turns();
  reader.say(MessageType::interested);
  scene.pass(200ms);
  ask(reader, {5}, 64);
  scene.pass(20s);
  CHECK(reader.payload_bytes() == 1 << 20U);
  // And they get all of it when they read.
  for (const auto& peer : peers) {
    peer->socket().window_bytes = SIZE_MAX;
  }
  scene.pass(20s);
  for (const auto& peer : peers) {
    CHECK(peer->payload_bytes() == 1 << 20U);
  }
}
