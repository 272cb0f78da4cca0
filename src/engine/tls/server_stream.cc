#include "engine/tls/server_stream.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "engine/base/ensure.h"
#include "engine/tls/bounds.h"

namespace murder::tls {

std::optional<ServerStream> ServerStream::create(const ServerContext& context) {
  std::optional<SslPipe> pipe = SslPipe::create(context.get());
  if (!pipe) {
    return std::nullopt;
  }
  SSL_set_accept_state(pipe->get());
  return ServerStream(std::move(*pipe));
}

void ServerStream::shake() {
  ERR_clear_error();
  const int result = SSL_do_handshake(pipe_.get());
  if (result == 1) {
    state_ = State::open;
  } else if (SSL_get_error(pipe_.get(), result) != SSL_ERROR_WANT_READ) {
    state_ = State::failed;
  }
  ERR_clear_error();
}

void ServerStream::take(std::span<const uint8_t> bytes, std::vector<uint8_t>& plain) {
  if (is_over()) {
    return;
  }
  if (!pipe_.feed(bytes)) {
    state_ = State::failed;
    return;
  }
  if (state_ == State::handshaking) {
    handshake_bytes_ += static_cast<uint32_t>(bytes.size());
    shake();
    if (state_ == State::handshaking && handshake_bytes_ > limits::tls_client_hello_bytes_max) {
      state_ = State::failed;
    }
  }
  if (state_ == State::open) {
    switch (pipe_.read(plain)) {
      case SslPipe::Read::needs_more:
        break;
      case SslPipe::Read::ended:
        state_ = State::ended;
        break;
      case SslPipe::Read::failed:
        state_ = State::failed;
        break;
    }
    ERR_clear_error();
  }
}

void ServerStream::write(std::span<const uint8_t> plain) {
  ENSURE(state_ == State::open || state_ == State::ended);
  const int size = static_cast<int>(plain.size());
  ERR_clear_error();
  if (size > 0 && SSL_write(pipe_.get(), plain.data(), size) != size) {
    state_ = State::failed;
  }
  ERR_clear_error();
}

void ServerStream::end() {
  ENSURE(state_ == State::open || state_ == State::ended);
  static_cast<void>(SSL_shutdown(pipe_.get()));
  ERR_clear_error();
}

}  // namespace murder::tls
