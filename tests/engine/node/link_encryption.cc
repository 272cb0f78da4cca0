// Links under TLS on a fake kernel: what leaves, and what becomes of it when sockets and disks do
// what they can do.
#include <algorithm>
#include <cerrno>

#include "encrypted_scene.h"

using namespace murder;
using namespace murder::test;
using namespace std::chrono_literals;
using node::PeerLink;

namespace {

constexpr uint32_t message_bytes = 512 * 1024;

void tell_have(PeerLink& link, uint32_t piece) {
  const codec::PeerMessage message{.type = codec::MessageType::have, .piece = {piece}};
  codec::encode_message(message, link.append(codec::encoded_bytes(message)));
}

// Whether `text` passed as it is.
bool passed_plainly(const FakeSocket& socket, std::string_view text) {
  return std::search(socket.sent.begin(), socket.sent.end(), text.begin(), text.end()) !=
         socket.sent.end();
}

}  // namespace

TEST_CASE("a stranger to an encrypted link is sent nothing") {
  for (const std::string_view first :
       {std::string_view("\x13"), std::string_view("murdeR"), std::string_view("\x16\x03\x01")}) {
    EncryptedScene scene;
    scene.arrive(as_bytes_of(first));
    scene.scene.turns();
    CHECK(!scene.link.is_active());
    CHECK(scene.socket().sent.empty());
  }
}

TEST_CASE("what a link is told to say before the key is proven waits, and is never said plainly") {
  EncryptedScene scene;
  codec::Handshake handshake;
  handshake.peer_id.bytes.fill('P');
  scene.link.send_handshake(handshake);
  scene.scene.enqueue(scene.link, {0}, 16384);
  scene.scene.turns();
  CHECK(scene.socket().sent.empty());
  scene.talk();
  CHECK(!passed_plainly(scene.socket(), "BitTorrent"));
  CHECK(!passed_plainly(scene.socket(), std::string(20, 'P')));
  CHECK(!passed_plainly(scene.socket(), std::string_view(scene.scene.content).substr(0, 16)));
  REQUIRE(scene.peer.data.size() == codec::handshake_bytes + 13 + 16384);
  CHECK(scene.peer.data[0] == 19);
}

TEST_CASE("blocks leave in records, behind the messages that were said before") {
  EncryptedScene scene;
  scene.open();
  tell_have(scene.link, 7);
  scene.scene.enqueue(scene.link, {0}, message_bytes);
  scene.scene.enqueue(scene.link, {3}, 16384);
  scene.talk();
  CHECK(scene.payload_bytes() == message_bytes + 16384);
  CHECK(messages_of(scene.peer.data).front().type == codec::MessageType::have);
  CHECK(scene.scene.counters.sent_blocks == 33);
}

TEST_CASE("blocks of a file that lies in the cache are encrypted as well") {
  EncryptedScene scene({.send_path = node::SendPath::splice});
  scene.open();
  for (uint32_t offset = 0; offset < message_bytes; offset += 128 * 1024) {
    scene.link.enqueue({{1}, offset, 128 * 1024});
  }
  scene.scene.work.wants_flush(scene.link);
  scene.talk();
  CHECK(scene.payload_bytes() == message_bytes);
  CHECK(scene.scene.counters.sent_splice_bytes == 0);
}

TEST_CASE("an encrypted message that is sent and received in parts arrives as one") {
  EncryptedScene scene;
  scene.socket().send_max = 50;
  scene.socket().receive_max = 7;
  scene.open();
  scene.socket().send_max = 10'001;
  scene.scene.enqueue(scene.link, {0}, message_bytes);
  scene.talk();
  CHECK(scene.payload_bytes() == message_bytes);
}

TEST_CASE("interrupted sends and receives of an encrypted link are continued") {
  EncryptedScene scene;
  scene.open();
  scene.socket().send_errors = {EINTR, EAGAIN};
  scene.socket().receive_errors = {EINTR, EAGAIN};
  scene.scene.enqueue(scene.link, {2}, message_bytes);
  scene.talk();
  CHECK(scene.payload_bytes() == message_bytes);
}

TEST_CASE("an encrypted link whose peer does not read gives memory back and goes on where it was") {
  EncryptedScene scene;
  scene.open();
  // At several points of the message: within its first records, between them, in the last one.
  for (const size_t window : {size_t{1000}, size_t{16406}, size_t{131'248}, size_t{300'000},
                              message_bytes + 32 * 13 + 33 * 22 - size_t{100}}) {
    CAPTURE(window);
    const uint64_t before = scene.payload_bytes();
    scene.socket().window_bytes = window;
    scene.scene.enqueue(scene.link, {1}, message_bytes);
    scene.scene.turns();
    scene.scene.pass(200ms);
    const uint32_t reads = scene.scene.kernel.read_count;
    scene.link.yield_memory(scene.scene.reactor->now());
    scene.scene.turns();
    // All chunks are free for others.
    std::vector<uint32_t> chunks;
    for (uint32_t count = 0; count < node::LinkMemory::chunk_count; ++count) {
      chunks.push_back(scene.scene.memory.take_chunk(scene.link));
    }
    CHECK(chunks.back() != UINT32_MAX);
    for (const uint32_t chunk : chunks) {
      scene.scene.memory.release_chunk(chunk);
    }
    scene.socket().window_bytes = SIZE_MAX;
    scene.talk();
    CHECK(scene.scene.kernel.read_count > reads);
    CHECK(scene.payload_bytes() == before + message_bytes);
    CHECK(scene.link.is_active());
  }
}

TEST_CASE("a peer that never reads lets its link end while records wait") {
  EncryptedScene scene;
  scene.open();
  scene.socket().window_bytes = 5000;
  scene.scene.enqueue(scene.link, {1}, message_bytes);
  scene.scene.turns();
  scene.link.close();
  scene.scene.turns();
  CHECK(scene.scene.finished_count == 1);
  CHECK(scene.socket().is_closed);
}

TEST_CASE("records that were changed end the link, and nothing more is sent") {
  EncryptedScene scene;
  scene.open();
  std::vector<uint8_t> plain;
  append_message(plain, {.type = codec::MessageType::interested});
  auto records = scene.peer.give(plain);
  records.back() ^= 1;
  const size_t sent = scene.socket().sent.size();
  scene.arrive(records);
  scene.scene.turns();
  CHECK(!scene.link.is_active());
  CHECK(scene.socket().sent.size() == sent);
}

TEST_CASE("plain bytes within an encrypted link end it") {
  EncryptedScene scene;
  scene.open();
  std::vector<uint8_t> plain;
  append_message(plain, {.type = codec::MessageType::interested});
  append_message(plain, {.type = codec::MessageType::interested});
  scene.arrive(plain);
  scene.scene.turns();
  CHECK(!scene.link.is_active());
}

TEST_CASE("a plain member is answered by one frame, and its link ends at its farewell") {
  EncryptedScene scene;
  trust::PeerProof plain(scene.keys, trust::PeerProof::Role::dialler, nonce_of(9));
  scene.arrive(plain.hello());
  scene.scene.turns();
  REQUIRE(scene.socket().sent.size() == trust::frame_bytes);
  CHECK(plain.take_answer(std::span(scene.socket().sent).first<trust::frame_bytes>()));
  CHECK(scene.link.is_active());
  CHECK(scene.link.is_unproven(instant_never));
  scene.arrive(plain.farewell());
  scene.scene.turns();
  CHECK(!scene.link.is_active());
  CHECK(scene.socket().sent.size() == trust::frame_bytes);
}

TEST_CASE("a slot is fresh for the next encrypted connection") {
  EncryptedScene scene;
  scene.open();
  scene.scene.enqueue(scene.link, {0}, 16384);
  scene.talk();
  scene.link.close();
  scene.scene.turns();
  REQUIRE(scene.scene.finished_count == 1);
  scene.fd = scene.scene.adopt(scene.link);
  CipherEnd next(scene.keys, CipherEnd::Role::dialler, 3);
  scene.arrive(next.give());
  scene.scene.turns();
  CHECK(scene.socket().sent.size() == trust::frame_bytes);
}
