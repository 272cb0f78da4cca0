// The handshake of TLS 1.3, by OpenSSL, with a key that both sides have. Bytes in, bytes out: no
// socket, no clock, never blocks. It ends with the secrets of both directions; the records behind
// it are not its own.
//
// Bounded by tls_handshake_bytes_max of input. Freed when it has ended, since OpenSSL's part of it
// takes some tens of KiB.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "engine/tls/context.h"
#include "engine/tls/handshake_secrets.h"

struct ssl_st;

namespace murder::tls {

enum class Role : uint8_t { client, server };

class Handshake {
 public:
  enum class State : uint8_t { running, done, failed };

  // A server of another key, or without one, is refused, and so is such a client.
  Handshake(const Context& context, Role role, const trust::Secret& key);
  Handshake(const Handshake&) = delete;
  Handshake& operator=(const Handshake&) = delete;
  ~Handshake();

  [[nodiscard]] State state() const { return state_; }
  // The client begins: without bytes, once. How many of them are of the handshake: all, until it
  // is done.
  size_t take(std::span<const uint8_t> bytes);
  // To be sent. Of one that failed there is nothing: a stranger is not answered.
  [[nodiscard]] std::vector<uint8_t> take_output();
  // When it is done.
  [[nodiscard]] const Traffic& traffic() const { return secrets_.traffic; }

 private:
  struct SslDeleter {
    void operator()(ssl_st* ssl) const;
  };

  void advance();
  [[nodiscard]] bool is_as_agreed();

  std::unique_ptr<ssl_st, SslDeleter> ssl_;
  HandshakeSecrets secrets_;
  State state_ = State::running;
  size_t taken_bytes_ = 0;
};

}  // namespace murder::tls
