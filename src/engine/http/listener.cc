#include "engine/http/listener.h"

#include <poll.h>

#include <cerrno>
#include <optional>

#include "engine/io/sockets.h"

namespace murder::http {
namespace {

constexpr Duration rest_after_failure = std::chrono::milliseconds(100);

// The client went while it waited in the backlog (accept(2)): nothing is wrong here.
bool is_clients_fault(int32_t result) {
  return result == -ECONNABORTED || result == -EINTR || result == -EPROTO || result == -EPERM;
}

}  // namespace

Listener::Listener(io::Reactor& reactor, ListenerOwner& owner, int fd)
    : reactor_(reactor),
      owner_(owner),
      fd_(fd),
      accept_(callback<&Listener::accepted>(this)),
      poll_(callback<&Listener::client_wants_in>(this)),
      rest_(reactor.timers(), callback<&Listener::rested>(this)) {
  io::set_no_delay(fd_);  // inherited by what it accepts; a unix socket does not know it
  accept_next();
}

void Listener::accept_next() {
  if (owner_.has_room()) {
    state_ = State::accepting;
    address_bytes_ = sizeof address_;
    reactor_.accept(accept_, fd_, &address_, &address_bytes_);
  } else {
    state_ = State::full;
    reactor_.poll(poll_, fd_, POLLIN);
  }
}

void Listener::accepted(io::Operation&, int32_t result, uint32_t) {
  if (state_ == State::stopped) {
    if (result >= 0) {
      reactor_.close_fd(result);
    }
    return;
  }
  if (result >= 0) {
    const std::optional<Endpoint> remote = io::endpoint_of(address_);
    owner_.adopt(result, remote.value_or(Endpoint{}), !remote);
  } else if (!is_clients_fault(result)) {
    owner_.accept_failed();
    state_ = State::resting;
    rest_.arm(reactor_.now() + rest_after_failure);
    return;
  }
  accept_next();
}

void Listener::client_wants_in(io::Operation&, int32_t, uint32_t) {
  if (state_ == State::stopped) {
    return;
  }
  if (owner_.has_room()) {
    accept_next();
  } else {
    state_ = State::waiting;
    owner_.want_room();
  }
}

void Listener::room_came() {
  if (state_ == State::waiting) {
    accept_next();
  }
}

void Listener::rested(io::Timer&) {
  accept_next();
}

void Listener::stop() {
  if (state_ == State::stopped) {
    return;
  }
  state_ = State::stopped;
  rest_.cancel();
  reactor_.cancel(accept_);
  reactor_.cancel(poll_);
  reactor_.close_fd(fd_);
}

bool Listener::is_quiet() const {
  return state_ == State::stopped && !accept_.in_flight() && !poll_.in_flight();
}

}  // namespace murder::http
