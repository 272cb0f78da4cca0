#include "engine/node/acceptor.h"

#include <optional>
#include <utility>

#include "engine/base/ensure.h"

namespace murder::node {
namespace {

constexpr Duration pause_after_error = std::chrono::milliseconds(100);

}  // namespace

Acceptor::Acceptor(io::Reactor& reactor, io::Fd listener, Target target)
    : reactor_(reactor),
      listener_(std::move(listener)),
      target_(target),
      accept_(callback<&Acceptor::accept_done>(this)),
      pause_timer_(reactor.timers(), callback<&Acceptor::start_again>(this)) {}

Acceptor::~Acceptor() {
  is_stopped_ = true;
  reactor_.cancel_and_wait(accept_);
}

void Acceptor::start() {
  ENSURE(!is_stopped_ && !accept_.in_flight());
  reactor_.accept_multishot(accept_, listener_.get());
}

void Acceptor::stop() {
  is_stopped_ = true;
  pause_timer_.cancel();
  reactor_.cancel(accept_);
}

void Acceptor::accept_done(io::Operation&, int32_t result, uint32_t cqe_flags) {
  if (result >= 0) {
    io::Fd socket(result);
    const std::optional<Endpoint> remote = io::peer_endpoint(result);
    if (remote && !is_stopped_) {
      target_(std::move(socket), *remote);
    }
  }
  if ((cqe_flags & io::cqe_more) == 0 && !is_stopped_) {
    const Instant now = reactor_.now();
    pause_timer_.arm(result >= 0 ? now : now + pause_after_error);
  }
}

void Acceptor::start_again(io::Timer&) {
  if (!accept_.in_flight()) {
    start();
  }
}

}  // namespace murder::node
