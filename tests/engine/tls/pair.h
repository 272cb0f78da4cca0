// Two ends of a connection in one process, and what passes between them, in the test's hands.
#pragma once

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <vector>

#include "engine/tls/session.h"

namespace murder::test {

using Bytes = std::vector<uint8_t>;

inline trust::Secret key_of(uint8_t fill) {
  trust::Secret key{};
  key.fill(fill);
  return key;
}

inline const tls::Context& test_context(bool prefers_aes = true) {
  static const auto aes = std::move(*tls::Context::create(true));
  static const auto chacha = std::move(*tls::Context::create(false));
  return prefers_aes ? *aes : *chacha;
}

inline Bytes bytes_of(std::string_view text) {
  return {text.begin(), text.end()};
}

inline std::string text_of(const Bytes& bytes) {
  return {bytes.begin(), bytes.end()};
}

// A session with what it was given and has to give, as a connection would.
class End {
 public:
  explicit End(tls::Role role, const trust::Secret& key = key_of(1),
               const tls::Session::Options& options = {},
               const tls::Context& context = test_context())
      : session(context, role, key, options) {}

  // Bytes of the other side; what is answered to them.
  Bytes take(const Bytes& bytes) {
    input_.insert(input_.end(), bytes.begin(), bytes.end());
    if (session.state() == State::handshaking) {
      const size_t taken = session.shake(input_);
      input_.erase(input_.begin(), input_.begin() + static_cast<std::ptrdiff_t>(taken));
    }
    Bytes answer = session.take_output();
    open_all();
    if (session.owes_record()) {
      const Bytes owed = seal("");
      answer.insert(answer.end(), owed.begin(), owed.end());
    }
    return answer;
  }
  // Records of this text.
  Bytes seal(std::string_view text) {
    Bytes plain = bytes_of(text);
    Bytes out(plain.size() + 64 * (2 + plain.size() / limits::tls_plain_bytes_max));
    const iovec segment{plain.data(), plain.size()};
    const auto sealed = session.seal(tls::Segments({&segment, 1}), out);
    CHECK(sealed.plain_bytes == (session.state() == State::open ? plain.size() : 0));
    out.resize(sealed.out_bytes);
    return out;
  }
  Bytes seal_end() {
    Bytes out(64);
    out.resize(session.seal_end(out));
    return out;
  }

  using State = tls::Session::State;
  tls::Session session;
  Bytes data;  // all that was opened

 private:
  void open_all() {
    while (const size_t size = session.whole_record(input_)) {
      Bytes room(tls::Session::room_for(std::span(input_).first(size)));
      const iovec segment{room.data(), room.size()};
      const size_t opened =
          session.open(std::span(input_).first(size), tls::Segments({&segment, 1}));
      data.insert(data.end(), room.begin(), room.begin() + static_cast<std::ptrdiff_t>(opened));
      input_.erase(input_.begin(), input_.begin() + static_cast<std::ptrdiff_t>(size));
    }
  }

  Bytes input_;
};

// Until both have nothing more to say.
template <typename One, typename Other>
void converse(One& client, Other& server) {
  Bytes to_server = client.take({});
  while (!to_server.empty()) {
    to_server = client.take(server.take(to_server));
  }
}

struct Pair {
  explicit Pair(const tls::Session::Options& options = {})
      : client(tls::Role::client, key_of(1), options),
        server(tls::Role::server, key_of(1), options) {
    converse(client, server);
    REQUIRE(client.session.state() == End::State::open);
    REQUIRE(server.session.state() == End::State::open);
  }

  End client;
  End server;
};

}  // namespace murder::test
