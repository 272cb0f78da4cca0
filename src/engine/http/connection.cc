#include "engine/http/connection.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <string_view>
#include <utility>

#include "engine/base/types.h"
#include "engine/io/sockets.h"

namespace murder::http {
namespace {

constexpr Duration linger_timeout = std::chrono::seconds(2);
// Answers to pipelined requests are collected up to this size before they are sent.
constexpr size_t output_bytes_enough = 64 * 1024;
// An answer that is larger finds room for half of what may be held, so that small ones do find it.
constexpr size_t large_body_bytes = 64 * 1024;

// Beside the object itself.
uint64_t memory_of(const std::string& text) {
  return text.capacity() > std::string().capacity() ? text.capacity() : 0;
}

bool is_known_method(std::string_view method) {
  return method == "GET" || method == "HEAD" || method == "POST" || method == "PUT";
}

int status_of(const Error& error) {
  switch (error.code) {
    case ErrorCode::limit:
      return 431;
    case ErrorCode::unsupported:
      return 501;
    default:
      return 400;
  }
}

}  // namespace

Connection::Connection(ConnectionOwner& owner, const ConnectionShared& shared, int fd,
                       const Endpoint& remote, bool is_local_socket)
    : ListedConnection(shared.sources.bucket_of(remote.address)),
      owner_(owner),
      shared_(shared),
      fd_(fd),
      is_local_socket_(is_local_socket),
      is_encrypted_(shared.certificate && !is_local_socket),
      remote_(remote),
      receive_(callback<&Connection::received>(this)),
      send_(callback<&Connection::sent>(this)),
      timer_(shared.reactor.timers(), callback<&Connection::timed_out>(this)) {
  shared_.sources.add(bucket());
}

void Connection::begin(SlabHandle handle) {
  handle_ = handle;
  read_more();
}

void Connection::close() {
  if (answering_) {
    close_after_send_ = true;  // the handler stopped its server: its answer still goes out
    return;
  }
  if (state_ == State::closing) {
    return;
  }
  state_ = State::closing;
  count_held();
  shared_.held.going += held_bytes_;
  owner_.closing(*this);
  timer_.cancel();
  shared_.reactor.cancel(receive_);
  shared_.reactor.cancel(send_);
  end_if_quiet();
}

void Connection::end_if_quiet() {
  if (!receive_.in_flight() && !send_.in_flight()) {
    shared_.held.all -= held_bytes_;
    shared_.held.going -= held_bytes_;
    shared_.sources.remove(bucket());
    if (fd_ >= 0) {
      shared_.reactor.close_fd(fd_);
    }
    owner_.ended(*this);
  }
}

void Connection::set_idle(bool idle) {
  if (idle == idle_) {
    return;
  }
  idle_ = idle;
  if (idle) {
    owner_.idle_began(*this);
  } else {
    owner_.busy_began(*this);
  }
}

void Connection::count_held() {
  const uint64_t bytes = memory_of(input_) + memory_of(output_) + secure_memory();
  shared_.held.all += bytes - held_bytes_;
  held_bytes_ = bytes;
}

void Connection::received(io::Operation&, int32_t result, uint32_t cqe_flags) {
  const bool wanted = state_ == State::reading;
  if (io::BufferRing::has_buffer(cqe_flags)) {
    const io::BufferRing::Taken taken = shared_.buffers.taken(std::max(result, 0), cqe_flags);
    if (wanted && result > 0) {
      take_bytes(taken.bytes);
    }
    shared_.buffers.give_back(taken.index);
  }
  if (state_ == State::closing) {
    end_if_quiet();
    return;
  }
  if (result <= 0 && result != -ENOBUFS && result != -EINTR) {
    close();
    return;
  }
  settle();
}

// Leaves what could not be answered yet in input_.
void Connection::take_input(std::span<const uint8_t> bytes) {
  if (input_.empty()) {
    const size_t used = answer_requests(bytes);
    input_.assign(as_text_of(bytes.subspan(used)));
    return;
  }
  const size_t size_before = input_.size();
  input_.append(as_text_of(bytes));
  if (worth_parsing(size_before)) {
    input_.erase(0, answer_requests(as_bytes_of(input_)));
  }
}

// A client that sends byte by byte must not have its whole head parsed at each of them.
bool Connection::worth_parsing(size_t size_before) const {
  if (wanted_bytes_ > 0) {
    return input_.size() >= wanted_bytes_;
  }
  const size_t from = size_before < 3 ? 0 : size_before - 3;
  return input_.find("\n\r\n", from) != std::string::npos ||
         input_.find("\n\n", from) != std::string::npos || input_.size() >= 2 * parsed_bytes_;
}

// Answers the complete requests at the start of the input and returns their size.
size_t Connection::answer_requests(std::span<const uint8_t> input) {
  size_t used = 0;
  while (used < input.size() && !close_after_send_ && !wants_to_wait_ && !shared_body_.is_set() &&
         output_.size() - sent_bytes_ < output_bytes_enough) {
    const size_t size = answer_one(input.subspan(used));
    if (size == 0) {
      break;
    }
    used += size;
  }
  return close_after_send_ ? input.size() : used;
}

// Returns the size of the request at the start of the input, 0 when it is not all here or waits.
size_t Connection::answer_one(std::span<const uint8_t> input) {
  wanted_bytes_ = 0;
  parsed_bytes_ = input.size();
  const Result<std::optional<codec::RequestHead>> parsed = codec::parse_request_head(input);
  if (!parsed) {
    refuse(status_of(parsed.error()), parsed.error());
    return input.size();
  }
  if (!*parsed) {
    return 0;
  }
  const codec::RequestHead& head = **parsed;
  if (head.body == codec::BodyKind::chunked) {
    refuse(411, {ErrorCode::unsupported, "send the body with Content-Length, not in chunks"});
    return input.size();
  }
  const uint64_t body_bytes = head.body == codec::BodyKind::sized ? head.body_bytes : 0;
  if (body_bytes > shared_.options.body_bytes_max && refuse_body(head, body_bytes)) {
    return input.size();
  }
  const size_t size = head.head_bytes + static_cast<size_t>(body_bytes);
  if (input.size() < size) {
    wanted_bytes_ = size;
    return 0;
  }
  const bool is_answered = answer(
      head, input.subspan(head.head_bytes, static_cast<size_t>(body_bytes)), input.subspan(size));
  return is_answered ? size : 0;
}

bool Connection::answer(const codec::RequestHead& head, std::span<const uint8_t> body,
                        std::span<const uint8_t> rest) {
  const bool has_waited = std::exchange(has_waited_, false);
  shared_.counters.requests += has_waited ? 0 : 1;
  if (!is_known_method(head.method)) {
    append_response({.status = 405,
                     .body = "only GET, HEAD, POST and PUT\n",
                     .fields = {{.name = "Allow", .value = "GET, HEAD, POST, PUT"}}},
                    true, head.keep_alive);
    return true;
  }
  const uint64_t held_bytes_max = shared_.options.held_bytes_max;
  if (shared_.held.all >= held_bytes_max) {
    refuse_crowded();
    return true;
  }
  Request request = request_of(head, body);
  request.has_waited = has_waited;
  answering_ = true;
  const Response response = shared_.handler.handle(request, shared_.reactor.now());
  answering_ = false;
  if (response.takes_over && !close_after_send_) {
    hand_over(request, rest);
    return true;
  }
  if (response.later && !close_after_send_) {
    awaits_late_ = wants_to_wait_ = true;
    late_has_body_ = head.method != "HEAD";
    late_keeps_alive_ = head.keep_alive;
    ask_again_at_ = shared_.reactor.now() + shared_.options.answer_timeout;
    return true;
  }
  if (response.wait > Duration{} && !close_after_send_) {
    wants_to_wait_ = true;
    ask_again_at_ = shared_.reactor.now() + response.wait;
    return false;
  }
  if (response.body.size() > large_body_bytes && shared_.held.all >= held_bytes_max / 2) {
    refuse_crowded();
    return true;
  }
  append_response(response, head.method != "HEAD",
                  head.keep_alive && !response.close && !close_after_send_);
  return true;
}

// Answers what cannot be understood; the connection ends after it.
void Connection::refuse(int status, const Error& error) {
  ++shared_.counters.requests;
  ++shared_.counters.bad_requests;
  append_response({.status = status, .body = error.text + "\n"}, true, false);
  linger_after_send_ = true;
}

void Connection::refuse_crowded() {
  ++shared_.counters.crowded;
  append_response({.status = 503, .body = "too many clients do not read their answers\n"}, true,
                  false);
}

void Connection::append_response(const Response& response, bool with_body, bool keep_alive) {
  std::array<codec::HeaderField, 8> fields;
  ENSURE(response.fields.size() <= fields.size());
  size_t count = 0;
  for (const Response::Field& field : response.fields) {
    fields[count++] = {field.name, field.value};
  }
  codec::append_response_head(
      output_, {.status = static_cast<uint16_t>(response.status),
                .content_type = response.content_type,
                .content_bytes = response.shared_body.is_set() ? response.shared_body.text().size()
                                                               : response.body.size(),
                .keep_alive = keep_alive,
                .fields = std::span(fields).first(count)});
  if (with_body && response.shared_body.is_set()) {
    shared_body_ = response.shared_body;
  } else if (with_body) {
    output_.append(response.body);
  }
  close_after_send_ = close_after_send_ || !keep_alive;
}

// Of the answers: what is not sent, or not sealed.
std::string_view Connection::plain_rest() const {
  return sent_bytes_ < output_.size() ? std::string_view(output_).substr(sent_bytes_)
                                      : shared_body_.text().substr(sent_bytes_ - output_.size());
}

size_t Connection::unsent_bytes() const {
  const size_t sealed_bytes = secure_ == nullptr ? 0 : secure_->unsent_bytes();
  return output_.size() + shared_body_.text().size() - sent_bytes_ + sealed_bytes;
}

// At the end of an input. The connection may be gone after it.
void Connection::settle() {
  if (fd_ < 0 || is_cut_off()) {
    close();
    return;
  }
  go_on();
  count_held();
  owner_.held_changed();
}

// What comes next, now that no send is in flight.
void Connection::go_on() {
  if (send_.in_flight() || state_ == State::closing) {
    return;
  }
  if (unsent_bytes() > 0) {
    state_ = State::sending;
    set_idle(false);
    timer_.arm(shared_.reactor.now() + shared_.options.send_timeout);
    send_more();
  } else if (state_ == State::lingering) {
    shared_.reactor.recv_select(receive_, fd_, shared_.buffers);
  } else if (wants_to_wait_) {
    state_ = State::waiting;
    set_idle(false);
    timer_.arm(ask_again_at_);
  } else {
    read_more();
  }
}

// The request at the start of the input has waited.
void Connection::ask_again() {
  state_ = State::reading;
  wants_to_wait_ = false;
  has_waited_ = true;
  input_.erase(0, answer_requests(as_bytes_of(input_)));
  settle();
}

void Connection::send_more() {
  if (secure_ != nullptr) {
    send_sealed();
  } else {
    shared_.reactor.send(send_, fd_, as_bytes_of(plain_rest()));
  }
}

void Connection::sent(io::Operation&, int32_t result, uint32_t) {
  if (state_ == State::closing) {
    end_if_quiet();
    return;
  }
  if (result <= 0) {
    close();
    return;
  }
  (secure_ == nullptr ? sent_bytes_ : secure_->sent_bytes) += static_cast<uint32_t>(result);
  if (unsent_bytes() > 0) {
    timer_.arm(shared_.reactor.now() + shared_.options.send_timeout);
    send_more();
    return;
  }
  std::string().swap(output_);
  shared_body_.reset();
  sent_bytes_ = 0;
  if (secure_ != nullptr) {
    std::string().swap(secure_->sealed);
    secure_->sent_bytes = 0;
  }
  if (linger_after_send_) {
    state_ = State::lingering;
    timer_.arm(shared_.reactor.now() + linger_timeout);
    ::shutdown(fd_, SHUT_WR);
  } else if (close_after_send_) {
    close();
    return;
  } else {
    state_ = State::reading;
    timer_.cancel();
    if (late_ != nullptr) {
      append_late();
    } else if (!input_.empty() && !wants_to_wait_) {
      input_.erase(0, answer_requests(as_bytes_of(input_)));
    }
  }
  settle();
}

void Connection::read_more() {
  if (is_shaking_hands()) {
    timer_.arm(secure_->until);
  } else if (input_.empty()) {
    std::string().swap(input_);
    if (!idle_) {
      timer_.arm(shared_.reactor.now() + shared_.options.idle_timeout);
    }
  } else if (idle_ || !timer_.armed()) {
    // From the first byte of the request on; further bytes do not buy more time.
    timer_.arm(shared_.reactor.now() + shared_.options.request_timeout);
  }
  shared_.reactor.recv_select(receive_, fd_, shared_.buffers);
  set_idle(input_.empty() && !is_shaking_hands());
}

void Connection::timed_out(io::Timer&) {
  if (state_ == State::waiting && !awaits_late_) {
    ask_again();
    return;
  }
  if (state_ != State::lingering) {
    ++shared_.counters.timeouts;
  }
  close();
}

}  // namespace murder::http
