#include "engine/host/service/service_link.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "engine/base/monotonic_clock.h"
#include "engine/host/bounds.h"

namespace murder::host {
namespace {

uint64_t monotonic_usec() {
  return static_cast<uint64_t>(
      std::chrono::duration_cast<std::chrono::microseconds>(monotonic_now().time_since_epoch())
          .count());
}

}  // namespace

ServiceLink::ServiceLink(io::Reactor& reactor, TextSource state, SilenceSource silence,
                         Duration status_interval)
    : reactor_(reactor),
      state_(state),
      silence_(silence),
      status_interval_(status_interval),
      manager_(notify_environment()),
      watchdog_interval_(watchdog_interval(notify_environment())),
      timer_(reactor.timers(), callback<&ServiceLink::tick>(this)) {
  if (manager_.is_open()) {
    timer_.arm(reactor_.now() + tick_interval());
  }
}

Duration ServiceLink::tick_interval() const {
  return std::min(watchdog_interval_.value_or(status_interval_), status_interval_);
}

// A thread that is silent for longer than the watchdog's interval is hung: the manager ends the
// process when two further intervals have passed. On a crowded machine a thread may wait for a
// processor for seconds.
bool ServiceLink::is_alive() const {
  return !silence_ ||
         silence_() <= std::max(*watchdog_interval_, limits::service_silence_allowed_min);
}

void ServiceLink::ready() {
  state_shown_ = one_line(state_());
  tell(fmt::format("READY=1\nSTATUS={}", state_shown_));
}

// MONOTONIC_USEC is what systemd 253 and newer want of Type=notify-reload.
void ServiceLink::reloading() {
  tell(fmt::format("RELOADING=1\nMONOTONIC_USEC={}\nSTATUS=reading its configuration",
                   monotonic_usec()));
}

void ServiceLink::stopping() {
  is_stopping_ = true;
  tell("STOPPING=1\nSTATUS=stopping");
}

bool ServiceLink::report(const ServiceEvent& event) {
  journal_.send(journal_entry_of(event));
  return journal_.is_open();
}

// Of several changes that are not taken yet the last one holds.
void ServiceLink::tell(std::string lines) {
  waiting_ = std::move(lines);
  if (manager_.send(waiting_)) {
    waiting_.clear();
  }
}

void ServiceLink::tick(io::Timer& timer) {
  if (!waiting_.empty()) {
    tell(std::move(waiting_));
  }
  if (watchdog_interval_ && is_alive()) {
    manager_.send("WATCHDOG=1");
  }
  show_state();
  timer.arm(reactor_.now() + tick_interval());
}

void ServiceLink::show_state() {
  if (!manager_.is_open() || !waiting_.empty() || is_stopping_) {
    return;
  }
  std::string state = one_line(state_());
  if (state != state_shown_ && manager_.send(fmt::format("STATUS={}", state))) {
    state_shown_ = std::move(state);
  }
}

}  // namespace murder::host
