// Checks the health of one app again and again: by a command, or by GET of an URL, which is healthy
// when it answers 200 to 299. One that does not end in time is ended, and was not healthy.
//
// On the thread of its reactor. Sleeps when its pace is zero: whoever owns it may still ask for one
// check.
#pragma once

#include <string>
#include <string_view>

#include "agent/agent_options.h"
#include "agent/watched_child.h"
#include "engine/http/client.h"
#include "engine/io/reactor.h"
#include "engine/io/timers.h"

namespace murder::agent {

class HealthOwner {
 public:
  virtual void health_seen(const std::string& app, bool is_healthy, std::string_view text) = 0;

 protected:
  ~HealthOwner() = default;
};

class HealthWatch final : private http::ClientObserver {
 public:
  HealthWatch(io::Reactor& reactor, const AppOptions& app, HealthOwner& owner);

  // From now on this often; zero: only when asked. What is checked may have changed: a check that
  // is under way is of no interest.
  void set_pace(Duration pace);
  // The same as a change of what is checked.
  void forget();
  void check_now();
  void stop();
  [[nodiscard]] bool is_idle() const { return !child_.is_busy() && !client_.busy(); }
  // Of what is checked now.
  void set_environment(Words environment) { environment_ = std::move(environment); }
  [[nodiscard]] uint64_t failure_count() const { return failure_count_; }

 private:
  void timer_fired(io::Timer& timer);
  void child_ended(WatchedChild& child);
  void on_http_reply(http::Client& client, Result<http::Reply> reply) override;
  void tell(bool is_healthy, std::string_view text);

  io::Reactor& reactor_;
  const AppOptions& app_;
  HealthOwner& owner_;
  WatchedChild child_;
  http::Client client_;
  io::Timer timer_;
  Duration pace_{};
  Words environment_;
  bool is_of_interest_ = true;  // the check that is under way
  bool is_stopped_ = false;
  uint64_t failure_count_ = 0;
};

}  // namespace murder::agent
