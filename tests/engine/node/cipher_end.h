// The other end of an encrypted link, in the test's hands.
#pragma once

#include <doctest/doctest.h>

#include <span>
#include <vector>

#include "engine/node/link_cipher.h"

namespace murder::test {

inline trust::SwarmKeys swarm_keys(std::initializer_list<uint8_t> fleet, uint8_t info_hash = 1) {
  trust::KeyPair pair;
  for (const uint8_t fill : fleet) {
    pair.secrets[pair.count++].fill(fill);
  }
  InfoHash hash;
  hash.bytes.fill(info_hash);
  return trust::swarm_keys_of(pair, hash);
}

inline trust::Nonce nonce_of(uint8_t fill) {
  trust::Nonce nonce{};
  nonce.fill(fill);
  return nonce;
}

inline const tls::Context& tls_context() {
  static const auto context = std::move(*tls::Context::create(true));
  return *context;
}

class CipherEnd {
 public:
  using Bytes = std::vector<uint8_t>;
  using Role = node::LinkCipher::Role;
  using State = node::LinkCipher::State;

  CipherEnd(const trust::SwarmKeys& keys, Role role, uint8_t nonce)
      : cipher(tls_context(), keys, role, nonce_of(nonce)) {}

  // Bytes of the other side, in parts of `part` at most.
  void take(std::span<const uint8_t> bytes, size_t part = SIZE_MAX) {
    while (!bytes.empty()) {
      const std::span<uint8_t> room = cipher.input_room();
      const size_t size = std::min({room.size(), bytes.size(), part});
      std::copy_n(bytes.begin(), size, room.begin());
      bytes = bytes.subspan(size);
      cipher.received(size);
      open_all();
    }
  }
  // All that leaves; `plain` as records if it is open.
  Bytes give(std::span<const uint8_t> plain = {}) {
    Bytes given;
    do {
      if (cipher.is_open()) {
        const iovec segment{const_cast<uint8_t*>(plain.data()), plain.size()};
        plain = plain.subspan(cipher.seal({&segment, 1}));
      }
      const std::span<const uint8_t> output = cipher.output();
      given.insert(given.end(), output.begin(), output.end());
      cipher.sent(output.size());
    } while (!plain.empty() && cipher.is_open());
    return given;
  }

  node::LinkCipher cipher;
  Bytes data;                   // that was opened
  size_t segment_bytes = 5000;  // what is opened into at a time

 private:
  void open_all() {
    for (;;) {
      Bytes room(segment_bytes);
      const iovec segments[] = {{room.data(), room.size() / 3},
                                {room.data() + room.size() / 3, room.size() - room.size() / 3}};
      const size_t size = cipher.open(segments);
      if (size == 0) {
        return;
      }
      data.insert(data.end(), room.begin(), room.begin() + static_cast<std::ptrdiff_t>(size));
    }
  }
};

}  // namespace murder::test
