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

uint32_t OperatorDesk::held_count(bool is_order) const {
  uint32_t count = 0;
  for (const Held& held : held_) {
    count += held.is_order == is_order ? static_cast<uint32_t>(held.tickets.size()) : 0;
  }
  return count;
}

bool OperatorDesk::has_room(const WaitingRequest& request) const {
  const size_t reads_count = reads_.size() + held_count(false);
  if (request.is_order) {
    return orders_.size() + held_count(true) + reads_count < limits::operator_requests_max;
  }
  return reads_count < limits::operator_requests_max - limits::operator_orders_kept &&
         read_sources_.count(read_sources_.bucket_of(request.address)) <
             limits::reads_of_address_max;
}

void OperatorDesk::add(WaitingRequest request) {
  ENSURE(has_room(request));
  request.since = reactor_.now();
  if (request.is_order) {
    orders_.push_back(std::move(request));
  } else {
    read_sources_.add(read_sources_.bucket_of(request.address));
    reads_.push_back(std::move(request));
  }
  if (!timer_.armed()) {
    timer_.arm(reactor_.now() + desk_checked_every);
  }
}

Inputs OperatorDesk::put_in(Coordinator& machine, Moment moment) {
  Inputs inputs;
  inputs.came = inputs.is_urgent = !orders_.empty();
  for (const WaitingRequest& each : std::exchange(orders_, {})) {
    held_.push_back({.tickets = {each.ticket},
                     .response = carry_out(machine, each, copies_, facts_, moment),
                     .is_order = true});
  }
  while (!reads_.empty() && monotonic_now() >= reads_not_before_) {
    if (!server_.awaits(reads_.front().ticket)) {
      remove_read(reads_.begin());  // its client has gone
      continue;
    }
    show_next(machine, moment);
    inputs.came = inputs.is_urgent = true;
  }
  if (!reads_.empty()) {
    timer_.arm(std::min(timer_.deadline(), reads_not_before_));
  }
  return inputs;
}

void OperatorDesk::show_next(Coordinator& machine, Moment moment) {
  const Instant begin = monotonic_now();
  Held held{.tickets = {reads_.front().ticket},
            .response = carry_out(machine, reads_.front(), copies_, facts_, moment)};
  const OperatorRequest asked = reads_.front().request;
  remove_read(reads_.begin());
  for (size_t index = 0; index < reads_.size();) {
    if (reads_[index].request == asked) {
      held.tickets.push_back(reads_[index].ticket);
      remove_read(reads_.begin() + static_cast<std::ptrdiff_t>(index));
    } else {
      ++index;
    }
  }
  if (held.tickets.size() > 1) {
    held.response.shared_body = http::SharedBody(std::exchange(held.response.body, {}));
  }
  held_.push_back(std::move(held));
  const Instant end = monotonic_now();
  reads_not_before_ = end + reading_pause_factor * (end - begin);
}

void OperatorDesk::remove_read(Waiting::iterator read) {
  read_sources_.remove(read_sources_.bucket_of(read->address));
  reads_.erase(read);
}

void OperatorDesk::settled() {
  for (const Held& held : std::exchange(held_, {})) {
    for (const uint64_t ticket : held.tickets) {
      server_.answer(ticket, held.response);
    }
  }
}

void OperatorDesk::refuse_all(const http::Response& response) {
  for (Held& held : held_) {
    held.response = response;
  }
  settled();
  for (const WaitingRequest& each : std::exchange(orders_, {})) {
    server_.answer(each.ticket, response);
  }
  while (!reads_.empty()) {
    const uint64_t ticket = reads_.front().ticket;
    remove_read(reads_.begin());
    server_.answer(ticket, response);
  }
}

void OperatorDesk::answer_late(Waiting& waiting, Instant now) {
  while (!waiting.empty() && now - waiting.front().since > limits::operator_wait_max) {
    const uint64_t ticket = waiting.front().ticket;
    if (&waiting == &reads_) {
      remove_read(waiting.begin());
    } else {
      waiting.pop_front();
    }
    server_.answer(
        ticket, json_error(503, failure_.empty() ? "the coordinator is busy: try again in a moment"
                                                 : failure_));
  }
}

void OperatorDesk::on_check(io::Timer& timer) {
  const Instant now = reactor_.now();
  answer_late(orders_, now);
  answer_late(reads_, now);
  if (!orders_.empty() || !reads_.empty()) {
    timer.arm(now + desk_checked_every);
    wake_();
  }
}

}  // namespace murder::coordinator
