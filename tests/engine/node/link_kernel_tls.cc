// Links under TLS whose records a fake kernel opens and seals.
#include <algorithm>
#include <cerrno>

#include "encrypted_scene.h"
#include "engine/node/link_cipher.h"

using namespace murder;
using namespace murder::test;
using namespace std::chrono_literals;
using State = node::LinkCipher::State;

namespace {

constexpr uint32_t blocks_bytes = 512 * 1024;
const std::vector<uint8_t> key_update = {24, 0, 0, 1, 0};
const std::vector<uint8_t> key_update_with_answer = {24, 0, 0, 1, 1};

struct KernelScene : EncryptedScene {
  explicit KernelScene(const LinkSceneOptions& options = {}) : EncryptedScene(with(options)) {
    scene.kernel.tls_error = 0;
  }
  static LinkSceneOptions with(LinkSceneOptions options) {
    options.has_kernel_tls = true;
    return options;
  }
  // What the peer says in both of its directions is known to the kernel.
  void open_in_kernel() {
    open();
    talk(handshake());
    REQUIRE(scene.counters.kernel_tls_receivers == 1);
    REQUIRE(scene.counters.kernel_tls_senders == 1);
  }
  static std::vector<uint8_t> interested() {
    std::vector<uint8_t> plain;
    append_message(plain, {.type = codec::MessageType::interested});
    return plain;
  }
  static std::vector<uint8_t> handshake() {
    std::vector<uint8_t> plain(codec::handshake_bytes);
    codec::encode_handshake({}, std::span(plain).first<codec::handshake_bytes>());
    return plain;
  }
  // A record that the peer would seal next.
  void arrive_record(uint8_t type, std::span<const uint8_t> content) {
    FakeTls copy = *socket().opens;
    std::vector<uint8_t> record;
    copy.seal(type, content, record);
    arrive(record);
    scene.turns();
  }
};

}  // namespace

TEST_CASE("a kernel that has TLS gets both directions, once, and all passes as before") {
  KernelScene scene;
  scene.open_in_kernel();
  scene.scene.enqueue(scene.link, {0}, blocks_bytes);
  scene.scene.enqueue(scene.link, {3}, 16384);
  scene.talk();
  CHECK(scene.payload_bytes() == blocks_bytes + 16384);
  for (int round = 0; round < 20; ++round) {
    scene.talk(KernelScene::interested());
  }
  CHECK(scene.link.is_active());
  CHECK(scene.scene.kernel.tls_asked_count == 2);
  CHECK(scene.socket().incoming.empty());
}

TEST_CASE("blocks of a file in the cache go from there to a kernel that seals them") {
  KernelScene scene({.send_path = node::SendPath::splice});
  scene.open_in_kernel();
  for (uint32_t offset = 0; offset < 128 * 1024; offset += 64 * 1024) {
    scene.link.enqueue({{1}, offset, 64 * 1024});
  }
  scene.scene.work.wants_flush(scene.link);
  scene.scene.turns();
  CHECK(scene.scene.counters.sent_splice_bytes == 128 * 1024);
}

TEST_CASE("a kernel without TLS is asked once, and its links encrypt in the process") {
  KernelScene scene;
  scene.scene.kernel.tls_error = ENOENT;
  scene.open();
  scene.scene.enqueue(scene.link, {0}, blocks_bytes);
  scene.talk(KernelScene::handshake());
  CHECK(scene.payload_bytes() == blocks_bytes);
  CHECK(scene.scene.kernel.tls_asked_count == 1);
  CHECK(!scene.scene.kernel_tls.is_there);
  CHECK(scene.scene.counters.kernel_tls_receivers == 0);
}

TEST_CASE("a connection that is gone when it should be handed over says nothing of the kernel") {
  KernelScene scene;
  scene.scene.kernel.tls_error = ENOTCONN;
  scene.open();
  scene.talk(KernelScene::handshake());
  CHECK(scene.scene.kernel_tls.is_there);
}

TEST_CASE("a record that comes in parts is opened by one of both, wherever it is cut") {
  for (const size_t part : {size_t{1}, size_t{4}, size_t{5}, size_t{7}, size_t{30}}) {
    CAPTURE(part);
    KernelScene scene;
    scene.socket().receive_max = part;
    scene.socket().send_max = 50;
    scene.open();
    std::vector<uint8_t> plain = KernelScene::handshake();
    for (int count = 0; count < 40; ++count) {
      append_message(plain, {.type = codec::MessageType::interested});
    }
    scene.talk(plain);
    CHECK(scene.link.is_active());
    CHECK(scene.scene.counters.kernel_tls_receivers == 1);
    scene.socket().send_max = 10'001;
    scene.scene.enqueue(scene.link, {0}, blocks_bytes);
    scene.talk();
    CHECK(scene.payload_bytes() == blocks_bytes);
  }
}

TEST_CASE("a peer that never pauses is handed over in the middle of what it sends") {
  KernelScene scene;
  while (!scene.peer.cipher.is_open()) {
    scene.arrive(scene.peer.give());
    scene.scene.turns(2);
    scene.hear();
  }
  std::vector<uint8_t> plain = KernelScene::handshake();
  for (int count = 0; count < 100'000; ++count) {
    append_message(plain, {.type = codec::MessageType::interested});
  }
  scene.arrive(scene.peer.give(plain));  // behind the end of its handshake
  for (int turn = 0; turn < 10 && scene.scene.counters.kernel_tls_receivers == 0; ++turn) {
    scene.scene.turns(1);
  }
  CHECK(scene.scene.counters.kernel_tls_receivers == 1);
  CHECK(scene.socket().incoming.size() > plain.size() / 2);
  scene.scene.turns(200);
  CHECK(scene.socket().incoming.empty());
  CHECK(scene.link.is_active());
}

TEST_CASE("errors of a socket with a kernel's TLS are what they are without") {
  KernelScene scene;
  scene.open_in_kernel();
  scene.socket().send_errors = {EINTR, EAGAIN};
  scene.socket().receive_errors = {EINTR, EAGAIN};
  scene.scene.enqueue(scene.link, {2}, blocks_bytes);
  scene.talk(KernelScene::interested());
  CHECK(scene.payload_bytes() == blocks_bytes);
  scene.socket().receive_errors = {EBADMSG};
  scene.talk(KernelScene::interested());
  CHECK(!scene.link.is_active());
}

TEST_CASE("a peer that does not read what the kernel seals holds no memory of others") {
  KernelScene scene;
  scene.open_in_kernel();
  scene.socket().window_bytes = 100'000;
  scene.scene.enqueue(scene.link, {1}, blocks_bytes);
  scene.scene.turns();
  scene.scene.pass(200ms);
  scene.link.yield_memory(scene.scene.reactor->now());
  scene.scene.turns();
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
  CHECK(scene.payload_bytes() == blocks_bytes);
}

TEST_CASE("a record that was changed ends the link of a kernel's TLS") {
  KernelScene scene;
  scene.open_in_kernel();
  auto records = scene.peer.give(KernelScene::interested());
  records.back() ^= 1;
  scene.arrive(records);
  scene.scene.turns();
  CHECK(!scene.link.is_active());
}

TEST_CASE("a link of the kernel's TLS says that it ends") {
  KernelScene scene;
  scene.open_in_kernel();
  scene.link.close();
  scene.scene.turns();
  scene.hear();
  CHECK(scene.peer.cipher.state() == State::ended);
}

TEST_CASE("a link of the kernel's TLS ends when its peer says so") {
  KernelScene scene;
  scene.open_in_kernel();
  scene.arrive_record(FakeTls::alert, tls::end_alert);
  CHECK(!scene.link.is_active());
}

TEST_CASE("records of the kernel that are no data are followed, or end the link") {
  struct Case {
    uint8_t type;
    std::vector<uint8_t> content;
    bool goes_on;
  };
  const std::vector<uint8_t> ticket = {4, 0, 0, 3, 1, 2, 3};
  for (const Case& each : std::initializer_list<Case>{
           {FakeTls::handshake, ticket, true},
           {FakeTls::handshake, key_update, false},  // the kernel keeps its key
           {FakeTls::handshake, key_update_with_answer, false},
           {FakeTls::handshake, {24, 0, 0, 2, 0, 0}, false},
           {FakeTls::handshake, {1}, false},
           {FakeTls::alert, {2, 20}, false},
           {FakeTls::alert, std::vector<uint8_t>(3000), false},
           {20, {1}, false},
           {77, {1, 2, 3}, false}}) {
    CAPTURE(each.type);
    CAPTURE(each.content.size());
    KernelScene scene;
    scene.open_in_kernel();
    scene.arrive_record(each.type, each.content);
    CHECK(scene.link.is_active() == each.goes_on);
  }
}

TEST_CASE("a peer that sends nothing but tickets is not listened to for ever") {
  KernelScene scene;
  scene.open_in_kernel();
  FakeTls sealer = *scene.socket().opens;
  std::vector<uint8_t> records;
  for (uint32_t count = 0; count <= limits::tls_idle_records_max; ++count) {
    sealer.seal(FakeTls::handshake, std::vector<uint8_t>{4, 0, 0, 0}, records);
  }
  scene.arrive(records);
  scene.scene.turns(50);
  CHECK(!scene.link.is_active());
}

TEST_CASE("a link ends between two batches when the kernel used its key up") {
  KernelScene scene;
  scene.scene.kernel_tls.key_bytes_max = 200'000;
  scene.open_in_kernel();
  for (const uint32_t piece : {0U, 1U, 2U}) {
    for (uint32_t offset = 0; offset < blocks_bytes; offset += 128 * 1024) {
      scene.link.enqueue({{piece}, offset, 128 * 1024});
    }
  }
  scene.scene.work.wants_flush(scene.link);
  scene.talk();
  CHECK(!scene.link.is_active());
  CHECK(scene.payload_bytes() >= 200'000);
  CHECK(scene.payload_bytes() < 3 * blocks_bytes);
  CHECK(scene.peer.cipher.state() == State::ended);  // it was told
}
