// Requests that need more than an answer at once: whose body is large, whose answer comes later,
// and whose connection the handler takes over.
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "engine/http/connection.h"
#include "engine/io/sockets.h"

namespace murder::http {

// True: it was answered.
bool Connection::refuse_body(const codec::RequestHead& head, uint64_t body_bytes) {
  const LargeBody allowed = shared_.handler.admit_large_body(request_of(head, {}));
  if (allowed.refusal) {
    ++shared_.counters.requests;
    append_response(*allowed.refusal, head.method != "HEAD", false);
    linger_after_send_ = true;
    return true;
  }
  const uint64_t bytes_max = std::max<uint64_t>(allowed.bytes_max, shared_.options.body_bytes_max);
  if (body_bytes <= bytes_max) {
    return false;
  }
  refuse(413, {ErrorCode::limit, "a body may have " + std::to_string(bytes_max) + " bytes"});
  return true;
}

Request Connection::request_of(const codec::RequestHead& head, std::span<const uint8_t> body) {
  if (!is_local_socket_ && local_.port == 0) {
    local_ = io::local_endpoint(fd_).value_or(Endpoint{});
  }
  return {.method = head.method,
          .path = head.path,
          .query = head.query,
          .body = body,
          .remote = remote_,
          .local = local_,
          .authorization = head.fields.find("Authorization").value_or(""),
          .upgrade = head.fields.find("Upgrade").value_or(""),
          .origin = head.fields.find("Origin").value_or(""),
          .is_local_socket = is_local_socket_,
          .ticket = uint64_t{handle_.slot} << 32U | handle_.generation};
}

// Nothing of the connection is in flight; it ends when who called this returns.
void Connection::hand_over(const Request& request, std::span<const uint8_t> rest) {
  if (!output_.empty()) {
    refuse(400, {ErrorCode::invalid_input, "an upgrade follows an answer that was not read"});
    return;
  }
  close_after_send_ = true;
  owner_.gave_place_away();
  TakenSocket socket{.fd = Fd(std::exchange(fd_, -1))};
  if (secure_ != nullptr) {
    socket.secure = std::make_unique<tls::ServerStream>(std::move(secure_->stream));
    secure_.reset();
  }
  shared_.handler.take_over(std::move(socket), request, rest);
}

// Nothing is read while it waits, so nobody was told. What is here already is the next request.
bool Connection::awaits_answer() const {
  if (!awaits_late_ || state_ == State::closing) {
    return false;
  }
  char next = 0;
  const ssize_t size = ::recv(fd_, &next, 1, MSG_PEEK | MSG_DONTWAIT);
  return size > 0 || (size < 0 && (errno == EAGAIN || errno == EINTR));
}

void Connection::answer_late(const Response& response) {
  if (!awaits_late_ || state_ == State::closing) {
    return;
  }
  awaits_late_ = false;
  late_ = std::make_unique<Response>(response);
  if (!send_.in_flight()) {
    append_late();
    settle();
  }
}

void Connection::append_late() {
  wants_to_wait_ = false;
  state_ = State::reading;
  append_response(*late_, late_has_body_, late_keeps_alive_ && !late_->close && !close_after_send_);
  late_.reset();
}

}  // namespace murder::http
