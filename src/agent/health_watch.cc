#include "agent/health_watch.h"

#include <fmt/format.h>

#include "agent/bounds.h"

namespace murder::agent {

HealthWatch::HealthWatch(io::Reactor& reactor, const AppOptions& app, HealthOwner& owner)
    : reactor_(reactor),
      app_(app),
      owner_(owner),
      child_(reactor, callback<&HealthWatch::child_ended>(this)),
      client_(reactor, *this),
      timer_(reactor.timers(), callback<&HealthWatch::timer_fired>(this)) {}

void HealthWatch::set_pace(Duration pace) {
  if (pace == pace_ || is_stopped_) {
    return;
  }
  pace_ = pace;
  if (pace_ == Duration::zero()) {
    timer_.cancel();
  } else {
    timer_.arm(reactor_.now());
  }
}

void HealthWatch::forget() {
  is_of_interest_ = false;
  client_.cancel();
  if (child_.is_busy()) {
    child_.end_soon();
  }
  if (pace_ > Duration::zero()) {
    timer_.arm(reactor_.now());
  }
}

void HealthWatch::stop() {
  is_stopped_ = true;
  timer_.cancel();
  client_.cancel();
  child_.kill_now();
}

void HealthWatch::timer_fired(io::Timer&) {
  check_now();
  if (pace_ > Duration::zero()) {
    timer_.arm(reactor_.now() + pace_);
  }
}

void HealthWatch::check_now() {
  if (!is_idle() || is_stopped_) {
    return;
  }
  is_of_interest_ = true;
  if (!app_.health_url.empty()) {
    client_.request(app_.health_url, {.timeout = app_.health_time_max});
    return;
  }
  if (Status started = child_.start({.arguments = {"/bin/sh", "-c", app_.health},
                                     .environment = environment_,
                                     .time_max = app_.health_time_max});
      !started) {
    tell(false, started.error().text);
  }
}

void HealthWatch::child_ended(WatchedChild& child) {
  tell(child.outcome().has_value(), child.outcome() ? "" : child.outcome().error().text);
}

void HealthWatch::on_http_reply(http::Client&, Result<http::Reply> reply) {
  constexpr int status_ok_first = 200;
  constexpr int status_ok_last = 299;
  if (!reply) {
    tell(false, reply.error().text);
    return;
  }
  const bool is_healthy = reply->status >= status_ok_first && reply->status <= status_ok_last;
  tell(is_healthy,
       is_healthy ? "" : fmt::format("{}: HTTP status {}", app_.health_url, reply->status));
}

void HealthWatch::tell(bool is_healthy, std::string_view text) {
  if (!is_of_interest_ || is_stopped_) {
    return;
  }
  failure_count_ += is_healthy ? 0 : 1;
  owner_.health_seen(app_.name, is_healthy, text);
}

}  // namespace murder::agent
