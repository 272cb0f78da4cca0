// One connection to an https server, as bytes that come and bytes that leave: OpenSSL's handshake
// and records, from TLS 1.2 on. No socket, no clock, never blocks. For requests of some KiB; links
// between peers are Session's.
//
// state        what it is                                   becomes
// handshaking  the server is not known yet                  open, failed
// open         it is who it should be; data passes          ended, failed
// ended        it said that nothing follows
// failed       error() says why; nothing is sent any more
//
// Bounded by what one take() is given, and by certificates_bytes_max.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "engine/tls/server_trust.h"
#include "engine/tls/ssl_pipe.h"

namespace murder::tls {

class ClientStream {
 public:
  enum class State : uint8_t { handshaking, open, ended, failed };

  // `host`: the name or numeric address that the certificate has to have, unless keys are pinned.
  // Errors: as client_context().
  [[nodiscard]] static Result<ClientStream> create(const std::string& host,
                                                   std::vector<KeyPin> pins);

  [[nodiscard]] State state() const { return state_; }
  // By a ticket of an earlier connection (kept_sessions.h).
  [[nodiscard]] bool is_resumed() const;
  [[nodiscard]] const Error& error() const { return error_; }

  // Bytes from the socket. What they say is appended to `plain`.
  void take(std::span<const uint8_t> bytes, std::vector<uint8_t>& plain);
  // While open.
  void write(std::span<const uint8_t> plain);
  // For the socket; a client begins.
  [[nodiscard]] std::string take_output() { return pipe_.take_output(); }

 private:
  ClientStream(SslPipe pipe, std::string host, std::vector<KeyPin> pins)
      : pipe_(std::move(pipe)), host_(std::move(host)), pins_(std::move(pins)) {}

  void advance();
  void check_pins();
  void read(std::vector<uint8_t>& plain);
  void fail_with(std::string text);
  void fail_by_openssl(std::string_view doing);
  [[nodiscard]] std::string shown_key() const;
  // The server's name, and the keys that it may have.
  [[nodiscard]] std::string believed_as() const;

  SslPipe pipe_;
  std::string host_;
  std::vector<KeyPin> pins_;
  State state_ = State::handshaking;
  bool has_heard_ = false;     // anything of the server
  bool has_answered_ = false;  // it said something once it was known
  Error error_{ErrorCode::network, ""};
};

}  // namespace murder::tls
