// One connection of an https server, as bytes that come and bytes that leave: OpenSSL's handshake
// and records. No socket, no clock, never blocks.
//
// state        what it is                              becomes
// handshaking  who connected is heard                  open, failed
// open         data passes                             ended, failed
// ended        the client said that nothing follows; it may still be answered
// failed       what came is no TLS that this server speaks; what there is to send says so
//
// Bounded by what one take() is given, and by tls_client_hello_bytes_max until it is open.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/tls/server_context.h"
#include "engine/tls/ssl_pipe.h"

namespace murder::tls {

// Whether what a client says first is a handshake of TLS.
[[nodiscard]] constexpr bool begins_handshake(uint8_t first_byte) {
  return first_byte == 22;
}

class ServerStream {
 public:
  enum class State : uint8_t { handshaking, open, ended, failed };

  // nullopt: there is not enough memory.
  [[nodiscard]] static std::optional<ServerStream> create(const ServerContext& context);

  [[nodiscard]] State state() const { return state_; }
  // Nothing more is heard.
  [[nodiscard]] bool is_over() const { return state_ == State::ended || state_ == State::failed; }

  // Bytes from the socket. What they say is appended to `plain`.
  void take(std::span<const uint8_t> bytes, std::vector<uint8_t>& plain);
  // While it is open or ended.
  void write(std::span<const uint8_t> plain);
  // Nothing follows what was written.
  void end();
  // For the socket.
  [[nodiscard]] size_t output_bytes() const { return pipe_.output_bytes(); }
  [[nodiscard]] std::string take_output() { return pipe_.take_output(); }

 private:
  explicit ServerStream(SslPipe pipe) : pipe_(std::move(pipe)) {}

  void shake();

  SslPipe pipe_;
  State state_ = State::handshaking;
  uint32_t handshake_bytes_ = 0;
};

}  // namespace murder::tls
