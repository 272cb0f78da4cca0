// A link under TLS on a fake kernel, and its peer in the test's hands.
#pragma once

#include <doctest/doctest.h>

#include <span>

#include "cipher_end.h"
#include "link_scene.h"

namespace murder::test {

// A link that was accepted, and the peer that dialled it.
struct EncryptedScene {
  explicit EncryptedScene(const LinkSceneOptions& options = {})
      : scene({.size_bytes = options.size_bytes,
               .piece_bytes = options.piece_bytes,
               .send_path = options.send_path,
               .closed = &keys,
               .encryption = &tls_context(),
               .has_kernel_tls = options.has_kernel_tls}) {}

  FakeSocket& socket() { return scene.kernel.socket(fd); }
  // What the peer has to say gets to the link, and the other way round, until nobody says more.
  void talk(std::span<const uint8_t> plain = {}) {
    arrive(peer.give(plain));
    for (int quiet_rounds = 0; quiet_rounds < 5; ++quiet_rounds) {
      const size_t before = socket().incoming.size() + heard_bytes;
      scene.turns(2);
      hear();
      const auto more = peer.give();
      arrive(more);
      if (!more.empty() || before != socket().incoming.size() + heard_bytes) {
        quiet_rounds = 0;
      }
    }
  }
  void arrive(std::span<const uint8_t> bytes) {
    socket().incoming.insert(socket().incoming.end(), bytes.begin(), bytes.end());
  }
  void hear() {
    peer.take(std::span(socket().sent).subspan(heard_bytes));
    heard_bytes = socket().sent.size();
  }
  // Bytes of blocks that the peer has, which are what they should be.
  uint64_t payload_bytes() {
    uint64_t bytes = 0;
    for (const HeardMessage& message : messages_of(peer.data)) {
      if (message.type == codec::MessageType::piece) {
        const uint64_t offset =
            uint64_t{message.block.piece.raw} * (1024 * 1024) + message.block.offset;
        CHECK(message.payload == scene.content.substr(offset, message.payload.size()));
        bytes += message.payload.size();
      }
    }
    return bytes;
  }
  void open() {
    talk();
    REQUIRE(peer.cipher.is_open());
    REQUIRE(link.is_active());
    CHECK(!link.is_unproven(instant_never));
  }

  trust::SwarmKeys keys = swarm_keys({1});
  LinkScene scene;
  node::PeerLink& link = scene.add_link();
  int fd = scene.adopt(link);
  CipherEnd peer{keys, CipherEnd::Role::dialler, 1};
  size_t heard_bytes = 0;
};

}  // namespace murder::test
