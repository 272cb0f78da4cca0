// A link to a coordinator by https: what passes its socket is TLS.
#include <sys/socket.h>

#include <span>
#include <utility>
#include <vector>

#include "agent/coordinator_link.h"
#include "engine/base/types.h"

namespace murder::agent {

Status CoordinatorLink::begin_stream() {
  if (!coordinator().is_https) {
    return {};
  }
  Result<std::vector<tls::KeyPin>> pins = tls::parse_pins(coordinator().pins);
  if (!pins) {
    return fail(pins.error());
  }
  Result<tls::ClientStream> stream =
      tls::ClientStream::create(coordinator().host, std::move(*pins));
  if (!stream) {
    return fail(stream.error());
  }
  stream_.emplace(std::move(*stream));
  return {};
}

void CoordinatorLink::take_bytes(std::span<const uint8_t> bytes) {
  if (!stream_) {
    take_plain(bytes);
    return;
  }
  std::vector<uint8_t> plain;
  stream_->take(bytes, plain);
  if (!plain.empty()) {
    take_plain(plain);
  }
  if (!is_connected()) {
    return;
  }
  if (stream_->state() == tls::ClientStream::State::failed) {
    lose(stream_->error().code, stream_->error().text);
  } else if (stream_->state() == tls::ClientStream::State::ended) {
    ::shutdown(socket_.get(), SHUT_RDWR);  // its end is received next
  } else {
    send_more();
  }
}

void CoordinatorLink::take_plain(std::span<const uint8_t> bytes) {
  if (state_ == State::asking) {
    head_ += as_text_of(bytes);
    take_answer();
  } else {
    frames_.put(std::as_bytes(bytes));
    take_frames();
  }
}

}  // namespace murder::agent
