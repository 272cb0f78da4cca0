// Connections of a server that has a certificate: what passes the socket is TLS.
#include <sys/socket.h>

#include <utility>
#include <vector>

#include "engine/base/types.h"
#include "engine/http/bounds.h"
#include "engine/http/connection.h"

namespace murder::http {
namespace {

// Of an answer, sealed at once: OpenSSL keeps memory for as much.
constexpr size_t seal_bytes_max = 16 * 1024;

}  // namespace

bool Connection::is_shaking_hands() const {
  return secure_ != nullptr && secure_->stream.state() == tls::ServerStream::State::handshaking;
}

uint64_t Connection::secure_memory() const {
  return secure_ == nullptr ? 0
                            : secure_->sealed.capacity() +
                                  (is_shaking_hands() ? limits::http_handshake_held_bytes : 0);
}

// Nothing more comes, and there is nothing to be sent.
bool Connection::is_cut_off() const {
  const bool is_over = secure_ == nullptr ? close_after_send_ : secure_->stream.is_over();
  return is_encrypted_ && is_over && !wants_to_wait_ && unsent_bytes() == 0;
}

void Connection::take_bytes(std::span<const uint8_t> bytes) {
  if (is_encrypted_) {
    take_sealed(bytes);
  } else if (input_.empty() && tls::begins_handshake(bytes.front())) {
    refuse(400, {ErrorCode::invalid_input, "this port speaks http, not https"});
  } else {
    take_input(bytes);
  }
}

void Connection::take_sealed(std::span<const uint8_t> bytes) {
  if (secure_ == nullptr && !begin_secure(bytes.front())) {
    return;
  }
  std::vector<uint8_t> plain;
  secure_->stream.take(bytes, plain);
  const bool has_failed = secure_->stream.state() == tls::ServerStream::State::failed;
  if (!has_failed && !plain.empty()) {
    take_input(plain);  // the handler may have the stream now
  }
  if (has_failed) {
    // There is an alert to be sent, if anything.
    ++shared_.counters.bad_requests;
    std::string().swap(input_);
    close_after_send_ = true;
  }
}

// The settings are those of now: a connection that said nothing gets a new certificate.
bool Connection::begin_secure(uint8_t first_byte) {
  if (!tls::begins_handshake(first_byte)) {
    is_encrypted_ = false;
    refuse(400, {ErrorCode::invalid_input,
                 "this port speaks https: write https:// in place of http://"});
    return false;
  }
  std::optional<tls::ServerStream> stream = tls::ServerStream::create(*shared_.certificate);
  if (!stream) {
    close_after_send_ = true;
    return false;
  }
  secure_ = std::make_unique<SecureSide>(
      SecureSide{.stream = std::move(*stream),
                 .until = shared_.reactor.now() + shared_.options.request_timeout});
  return true;
}

// What there is to send of the handshake, then of the answers.
void Connection::send_sealed() {
  SecureSide& side = *secure_;
  if (side.sent_bytes == side.sealed.size()) {
    if (side.can_write()) {
      const std::string_view part = plain_rest().substr(0, seal_bytes_max);
      side.stream.write(as_bytes_of(part));
      sent_bytes_ += part.size();
    }
    if (side.can_write() && close_after_send_ && plain_rest().empty()) {
      side.stream.end();
    }
    side.sealed = side.stream.take_output();
    side.sent_bytes = 0;
  }
  if (side.sealed.empty()) {
    // It cannot be sealed: its end is read next.
    ::shutdown(fd_, SHUT_RDWR);
    state_ = State::lingering;
    shared_.reactor.recv_select(receive_, fd_, shared_.buffers);
    return;
  }
  shared_.reactor.send(send_, fd_,
                       as_bytes_of(std::string_view(side.sealed).substr(side.sent_bytes)));
}

}  // namespace murder::http
