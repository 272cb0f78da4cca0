#include "coordinator/operator_desk.h"

#include <algorithm>
#include <utility>

#include "coordinator/json_response.h"
#include "engine/base/ensure.h"
#include "engine/base/monotonic_clock.h"

namespace murder::coordinator {
namespace {

using control::Coordinator;
using control::Moment;

constexpr Duration desk_checked_every = std::chrono::seconds(1);
// Showing what is takes this share of the thread's time at most.
constexpr int64_t reading_pause_factor = 10;

}  // namespace

OperatorDesk::OperatorDesk(io::Reactor& reactor, http::Server& server, const CopySource& copies,
                           const FactsSource& facts)
    : reactor_(reactor),
      server_(server),
      copies_(copies),
      facts_(facts),
      timer_(reactor.timers(), callback<&OperatorDesk::on_check>(this)) {}

void OperatorDesk::add(WaitingRequest request) {
  ENSURE(has_room());
  request.since = reactor_.now();
  waiting_.push_back(std::move(request));
  if (!timer_.armed()) {
    timer_.arm(reactor_.now() + desk_checked_every);
  }
}

Inputs OperatorDesk::put_in(Coordinator& machine, Moment moment) {
  Inputs inputs;
  std::deque<WaitingRequest> later;
  while (!waiting_.empty()) {
    WaitingRequest each = std::move(waiting_.front());
    waiting_.pop_front();
    const Instant begin = monotonic_now();
    if (!each.is_order && begin < reads_not_before_) {
      later.push_back(std::move(each));
      continue;
    }
    held_.push_back(
        {.ticket = each.ticket, .response = carry_out(machine, each, copies_, facts_, moment)});
    inputs.came = inputs.is_urgent = true;
    if (!each.is_order) {
      const Instant end = monotonic_now();
      reads_not_before_ = end + reading_pause_factor * (end - begin);
    }
  }
  waiting_ = std::move(later);
  if (!waiting_.empty()) {
    timer_.arm(std::min(timer_.deadline(), reads_not_before_));
  }
  return inputs;
}

void OperatorDesk::settled() {
  for (const Held& held : std::exchange(held_, {})) {
    server_.answer(held.ticket, held.response);
  }
}

void OperatorDesk::refuse_all(const http::Response& response) {
  for (Held& held : held_) {
    held.response = response;
  }
  settled();
  for (const WaitingRequest& each : std::exchange(waiting_, {})) {
    server_.answer(each.ticket, response);
  }
}

void OperatorDesk::on_check(io::Timer& timer) {
  const Instant now = reactor_.now();
  while (!waiting_.empty() && now - waiting_.front().since > limits::operator_wait_max) {
    server_.answer(
        waiting_.front().ticket,
        json_error(503,
                   failure_.empty() ? "the coordinator is busy: try again in a moment" : failure_));
    waiting_.pop_front();
  }
  if (!waiting_.empty()) {
    timer.arm(now + desk_checked_every);
    wake_();
  }
}

}  // namespace murder::coordinator
