// What a link sends when sockets and disks do what they can do.
#include <cerrno>

#include "link_scene.h"

using namespace murder;
using namespace murder::test;
using namespace std::chrono_literals;
using node::LinkMemory;
using node::PeerLink;

namespace {

constexpr uint32_t batch_bytes = 512 * 1024;

void say_have(PeerLink& link, uint32_t piece) {
  const codec::PeerMessage message{.type = codec::MessageType::have, .piece = {piece}};
  codec::encode_message(message, link.append(codec::encoded_bytes(message)));
}

// The numbers of the HAVE messages among what was sent, in order.
std::vector<uint32_t> haves_of(const std::vector<HeardMessage>& heard) {
  std::vector<uint32_t> pieces;
  for (const HeardMessage& message : heard) {
    if (message.type == codec::MessageType::have) {
      pieces.push_back(message.block.piece.raw);
    }
  }
  return pieces;
}

}  // namespace

TEST_CASE("blocks are read and sent whole, behind the messages that were said before") {
  LinkScene scene({});
  PeerLink& link = scene.add_link();
  const int fd = scene.adopt(link);
  say_have(link, 7);
  scene.enqueue(link, {0}, batch_bytes);
  scene.enqueue(link, {3}, 16384);
  scene.turns();
  CHECK(scene.heard_payload_bytes(fd) == batch_bytes + 16384);
  CHECK(scene.heard(fd).front().type == codec::MessageType::have);
  CHECK(scene.kernel.read_count == 2);  // what lies side by side is read at once
  CHECK(scene.counters.sent_blocks == 33);
}

TEST_CASE("a read that comes in parts, is interrupted or told to try again is continued") {
  LinkScene scene({});
  PeerLink& link = scene.add_link();
  const int fd = scene.adopt(link);
  scene.kernel.reads = {
      {.size_bytes = 1}, {.error_number = EINTR}, {.size_bytes = 70'000}, {.error_number = EAGAIN}};
  scene.enqueue(link, {1}, batch_bytes);
  scene.turns(20);
  CHECK(scene.heard_payload_bytes(fd) == batch_bytes);
  CHECK(scene.kernel.read_count == 5);
  CHECK(scene.read_errors.empty());
}

TEST_CASE("a read that fails, or finds the file too short, is told and ends the link") {
  for (const auto& [fault, expected] : {std::pair(DiskFault{.error_number = EIO}, EIO),
                                        std::pair(DiskFault{.size_bytes = 0}, ENODATA)}) {
    LinkScene scene({});
    PeerLink& link = scene.add_link();
    const int fd = scene.adopt(link);
    scene.kernel.reads = {{.size_bytes = 10'000}, fault};
    scene.enqueue(link, {1}, batch_bytes);
    scene.turns(20);
    CHECK(scene.read_errors == std::vector{expected});
    CHECK(scene.heard_payload_bytes(fd) == 0);
    CHECK(scene.finished_count == 1);
    CHECK(scene.kernel.socket(fd).is_closed);
  }
}

TEST_CASE("a message that is sent in parts arrives as one") {
  LinkScene scene({});
  PeerLink& link = scene.add_link();
  const int fd = scene.adopt(link);
  scene.kernel.socket(fd).send_max = 5;
  scene.kernel.socket(fd).send_errors = {EINTR, EAGAIN};
  say_have(link, 1);
  scene.enqueue(link, {2}, 16384);
  scene.turns(20);
  scene.kernel.socket(fd).send_max = 3001;
  say_have(link, 2);
  scene.work.wants_flush(link);
  scene.turns(20);
  CHECK(scene.heard_payload_bytes(fd) == 16384);
  CHECK(haves_of(scene.heard(fd)) == std::vector<uint32_t>{1, 2});
}

TEST_CASE("a send that fails ends the link, and its chunks serve others") {
  for (const int error_number : {EPIPE, ECONNRESET, ECANCELED}) {
    CAPTURE(error_number);
    LinkScene scene({});
    for (uint32_t index = 0; index < LinkMemory::chunk_count; ++index) {
      PeerLink& link = scene.add_link();
      scene.kernel.socket(scene.adopt(link)).send_errors = {error_number};
      scene.enqueue(link, {0}, 2 * batch_bytes);
      scene.turns();
    }
    CHECK(scene.finished_count == LinkMemory::chunk_count);
    PeerLink& link = scene.add_link();
    const int fd = scene.adopt(link);
    scene.enqueue(link, {0}, 2 * batch_bytes);
    scene.turns();
    CHECK(scene.heard_payload_bytes(fd) == 2 * batch_bytes);
  }
}

namespace {

// Links whose sockets are full hold every chunk, and one more waits for a chunk.
struct FullScene {
  explicit FullScene(node::SendPath path = node::SendPath::copy)
      : scene({.size_bytes = 4 * 1024 * 1024, .send_path = path}) {
    for (uint32_t index = 0; index < LinkMemory::chunk_count / 2; ++index) {
      PeerLink& link = scene.add_link();
      full.push_back(scene.adopt(link));
      scene.kernel.socket(full.back()).window_bytes = 100 + 20'000 * index;
      say_have(link, index);
      scene.enqueue(link, {index % 4}, 2 * batch_bytes);
    }
    scene.turns();
    waiting = scene.adopt(scene.add_link());
    scene.enqueue(*scene.links.back(), {0}, batch_bytes);
    scene.turns();
    CHECK(scene.heard_payload_bytes(waiting) == 0);
    CHECK(scene.memory.is_short());
  }
  void yield() {
    for (const auto& link : scene.links) {
      link->yield_memory(scene.reactor->now());
    }
    scene.turns();
  }
  void open_windows() {
    for (const int fd : full) {
      scene.kernel.socket(fd).window_bytes = SIZE_MAX;
    }
    scene.turns(40);
  }
  void check_all_arrived() {
    for (uint32_t index = 0; index < full.size(); ++index) {
      CAPTURE(index);
      CHECK(scene.heard_payload_bytes(full[index]) == 2 * batch_bytes);
      CHECK(haves_of(scene.heard(full[index])) == std::vector<uint32_t>{index});
    }
  }

  LinkScene scene;
  std::vector<int> full;
  int waiting = -1;
};

}  // namespace

TEST_CASE("a link whose socket stays full gives its chunks to others, and continues later") {
  FullScene of;
  of.scene.pass(50ms);
  of.yield();
  CHECK(of.scene.heard_payload_bytes(of.waiting) == 0);  // 50 ms are no long time
  of.scene.pass(100ms);
  of.yield();
  CHECK(of.scene.heard_payload_bytes(of.waiting) == batch_bytes);
  CHECK_FALSE(of.scene.memory.is_short());
  CHECK(of.scene.kernel.pending(IORING_OP_SENDMSG) == 0);
  of.open_windows();
  of.check_all_arrived();
  CHECK(of.scene.finished_count == 0);
}

TEST_CASE("a link whose small messages are not taken holds no chunk either") {
  LinkScene scene({});
  for (uint32_t index = 0; index < LinkMemory::chunk_count / 2; ++index) {
    PeerLink& link = scene.add_link();
    const int fd = scene.adopt(link);
    scene.kernel.socket(fd).window_bytes = 0;
    say_have(link, index);
    scene.enqueue(link, {index % 4}, 2 * batch_bytes);
    scene.turns();
  }
  PeerLink& waiting = scene.add_link();
  const int waiting_fd = scene.adopt(waiting);
  scene.enqueue(waiting, {0}, batch_bytes);
  scene.turns();
  CHECK(scene.memory.is_short());
  scene.pass(110ms);
  for (const auto& link : scene.links) {
    link->yield_memory(scene.reactor->now());
  }
  scene.turns();
  CHECK(scene.heard_payload_bytes(waiting_fd) == batch_bytes);
  CHECK(scene.kernel.cancel_count == 0);  // it costs nothing to wait with a few bytes
}

TEST_CASE("a link yields again and again, and what it sends is whole") {
  FullScene of;
  for (int round = 0; round < 6; ++round) {
    for (const int fd : of.full) {
      of.scene.kernel.socket(fd).window_bytes = 30'001;
    }
    of.scene.turns();
    of.scene.pass(110ms);
    of.yield();
  }
  CHECK(of.scene.heard_payload_bytes(of.waiting) == batch_bytes);
  of.open_windows();
  of.check_all_arrived();
}

TEST_CASE("a send that was cancelled too late is done all the same") {
  FullScene of;
  of.scene.kernel.cancels = FakeKernel::Cancel::never;
  of.scene.pass(110ms);
  of.yield();
  CHECK(of.scene.kernel.cancel_count == of.full.size());
  CHECK(of.scene.kernel.pending(IORING_OP_SENDMSG) == of.full.size());
  of.open_windows();
  of.check_all_arrived();
  CHECK(of.scene.heard_payload_bytes(of.waiting) == batch_bytes);
}

TEST_CASE("a link that yielded and is closed leaves nothing behind") {
  FullScene of;
  of.scene.pass(110ms);
  of.yield();
  for (const auto& link : of.scene.links) {
    link->close();
  }
  of.scene.turns();
  CHECK(of.scene.finished_count == of.scene.links.size());
  // Every chunk is free, and a slot that is used again begins anew.
  for (uint32_t index = 0; index < of.scene.links.size(); ++index) {
    PeerLink& link = *of.scene.links[index];
    const int fd = of.scene.adopt(link);
    say_have(link, 100 + index);
    of.scene.enqueue(link, {1}, 2 * batch_bytes);
    of.scene.turns();
    CHECK(of.scene.heard_payload_bytes(fd) == 2 * batch_bytes);
    CHECK(haves_of(of.scene.heard(fd)) == std::vector<uint32_t>{100 + index});
  }
}

TEST_CASE("with zero copy, memory is free when the other side has it, not before") {
  LinkScene scene({.send_path = node::SendPath::zero_copy});
  scene.kernel.notifications_are_held = true;
  PeerLink& link = scene.add_link();
  const int fd = scene.adopt(link);
  scene.enqueue(link, {0}, batch_bytes);
  scene.turns();
  CHECK(scene.heard_payload_bytes(fd) == batch_bytes);
  CHECK(scene.counters.sent_blocks == 0);
  scene.kernel.notifications_are_held = false;
  scene.turns();
  CHECK(scene.counters.sent_blocks == batch_bytes / 16384);
  scene.enqueue(link, {1}, batch_bytes);
  scene.turns();
  CHECK(scene.heard_payload_bytes(fd) == 2 * batch_bytes);
}

TEST_CASE("with zero copy, a socket that stays full for seconds is closed") {
  FullScene of(node::SendPath::zero_copy);
  of.scene.pass(1s);
  of.yield();
  CHECK(of.scene.finished_count == 0);
  CHECK(of.scene.kernel.cancel_count == 0);
  of.scene.pass(1100ms);
  of.yield();
  CHECK(of.scene.finished_count == of.full.size());
  CHECK(of.scene.heard_payload_bytes(of.waiting) == batch_bytes);
}

TEST_CASE("a link is not free while a read of it is under way") {
  LinkScene scene({});
  PeerLink& link = scene.add_link();
  scene.adopt(link);
  scene.kernel.disk_is_held = true;
  scene.enqueue(link, {0}, 2 * batch_bytes);
  scene.turns();
  CHECK(scene.kernel.pending(IORING_OP_READ) == 2);
  link.close();
  scene.turns();
  CHECK(scene.finished_count == 0);
  CHECK_FALSE(link.nothing_in_flight());
  scene.kernel.disk_is_held = false;
  scene.turns();
  CHECK(scene.finished_count == 1);
}

TEST_CASE("more small messages than may wait are refused") {
  LinkScene scene({});
  PeerLink& link = scene.add_link();
  const int fd = scene.adopt(link);
  scene.kernel.socket(fd).window_bytes = 0;
  uint64_t bytes = 0;
  while (!link.append(1000).empty()) {
    bytes += 1000;
  }
  CHECK(bytes > scene.host.control_bytes_max() - 1000);
  CHECK(bytes <= scene.host.control_bytes_max());
}
