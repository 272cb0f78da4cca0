// Carries out the steps of one app, one after the other: each is a command, or some of them, in
// child processes (commands.h). A step that is cancelled is ended, and what it left is cleaned up.
//
//   fetch      the torrent, from the coordinator, until it is there; `murder peer`, which goes on
//              in the background if this process ends, and is joined again by the next one
//   verify     what lies in place is the release, and signed as this host demands
//   activate   the hook before it, `murder activate`, the hook after it; for a deploy then what
//              is more than keep_releases goes
//   discard    removes a revoked release; others go when there are more than keep_releases, all
//              together and some seconds later
//
// On the thread of its reactor; bounded by the steps of one app.
#pragma once

#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/agent_options.h"
#include "agent/commands.h"
#include "agent/state_directory.h"
#include "agent/watched_child.h"
#include "engine/control/agent_app.h"
#include "engine/http/client.h"
#include "engine/io/reactor.h"
#include "engine/io/timers.h"

namespace murder::agent {

// What an agent did since it began, for its metrics.
struct AppCounters {
  uint64_t fetched_bytes = 0;  // from the swarm
  uint64_t resumed_bytes = 0;  // were here already
  uint64_t wasted_bytes = 0;   // came twice, or were wrong
  uint64_t hash_failures = 0;
  uint64_t fetches = 0;
  uint64_t fetch_failures = 0;
  uint64_t activations = 0;
  uint64_t activation_failures = 0;
  Duration fetching{};
  Duration activating{};
};

// Beside the outcomes of its steps: as in control::Facts.
struct WorkFacts {
  std::vector<std::string> warnings;
  bool in_the_way = false;
  std::string keep_trouble;
};

class WorkerOwner {
 public:
  virtual void step_ended(const std::string& app, uint64_t number, const Status& outcome) = 0;
  virtual void made_progress(const std::string& app, uint64_t bytes) = 0;
  // It was there, and is not any more.
  virtual void release_missing(const std::string& app, const InfoHash& release) = 0;
  // Of the torrent at the coordinator; empty: none is connected now.
  [[nodiscard]] virtual std::string torrent_url(const InfoHash& release) = 0;
  // In front of the end of the step that it is of.
  virtual void worker_facts(const WorkFacts& facts) = 0;
  virtual void worker_note(const std::string& app, std::string_view line) = 0;

 protected:
  ~WorkerOwner() = default;
};

class AppWorker final : private http::ClientObserver {
 public:
  struct Task {
    control::Step step;
    bool is_return = false;    // of an activation: back to what ran before
    bool allow_older = false;  // than what is in place
    bool is_revoked = false;   // of a discard
    bool is_clean_up = false;  // not asked for: what a fetch left
    bool stops_peer = false;   // of that
    bool is_due = false;       // of a discard: it was put off
  };

  AppWorker(io::Reactor& reactor, const std::string& program, const AgentOptions& agent,
            const AppOptions& app, AppPlace place, WorkerOwner& owner);

  void add(Task task);
  // Steps that are not begun are not; what runs is ended, downloads only if asked to.
  void stop(bool ends_downloads);
  [[nodiscard]] bool is_idle() const { return !current_ && tasks_.empty(); }
  // By its torrent, or by where it is; empty: it is not here.
  [[nodiscard]] std::string tag_of(const InfoHash& release) const;
  [[nodiscard]] const AppOptions& app() const { return app_; }
  [[nodiscard]] const AppCounters& counters() const { return counters_; }

 private:
  enum class Stage : uint8_t { none, torrent, fetch, before, activate, hook, keep, clean, remove };

  void begin_next();
  void begin(const Task& task);
  void begin_fetch();
  void ask_for_torrent(io::Timer& timer);
  void on_http_reply(http::Client& client, Result<http::Reply> reply) override;
  void begin_peer();
  void begin_verify();
  void begin_activate();
  void begin_switch();
  void begin_hook();
  void run_hook(Stage stage, const std::string& command);
  void begin_discard();
  void begin_clean(bool stop, bool keep_partial);
  void keep_some();
  void keep_later();
  void keep_due(io::Timer& timer);
  void cancel_current();
  void run(Stage stage, const Words& words, Duration time_max, const Words& environment = {});
  void child_ended(WatchedChild& child);
  void child_line(std::string_view line);
  void count_fetched();
  void tell_fetched(bool is_fetched);
  void end_activation();
  void end_task(const Status& outcome);
  void clean_later(io::Timer& timer);
  [[nodiscard]] Status outcome_of_child() const;
  [[nodiscard]] CommandPlace at() const { return {program_, agent_, app_, place_}; }

  io::Reactor& reactor_;
  const std::string program_;
  const AgentOptions& agent_;
  const AppOptions& app_;
  const AppPlace place_;
  const std::string hook_note_;  // left_group.h
  WorkerOwner& owner_;
  std::deque<Task> tasks_;
  std::optional<Task> current_;
  bool is_cancelled_ = false;  // the current one: it is not answered
  bool is_stopping_ = false;
  bool ends_downloads_ = true;
  bool is_untouched_ = false;  // by the last activation, which before_activate refused
  Stage stage_ = Stage::none;
  Instant begun_at_{};
  std::string tag_;  // of the current one
  WatchedChild child_;
  http::Client client_;
  io::Timer retry_;
  io::Timer clean_timer_;
  io::Timer keep_timer_;
  std::deque<InfoHash> to_clean_;  // fetched, and perhaps served still
  AppCounters counters_;
  WorkFacts facts_;
};

}  // namespace murder::agent
