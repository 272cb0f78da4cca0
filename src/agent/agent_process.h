// The process of `murder agent`: drives the machine (control/agent.h), which decides, by what its
// coordinator wants, what its workers have done and what health checks see.
//
//   something happens -> the machine is told -> its work: saved first, then steps, then a report
//
// One thread, one reactor; downloads and commands are child processes. Everything that it holds is
// bounded by its configuration. Idle, it wakes for the heartbeat alone.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/agent_options.h"
#include "agent/app_worker.h"
#include "agent/coordinator_link.h"
#include "agent/health_watch.h"
#include "agent/held_lock.h"
#include "agent/order_guard.h"
#include "agent/outcome_signer.h"
#include "agent/program_file.h"
#include "agent/state_directory.h"
#include "agent/stdio_relay.h"
#include "engine/control/agent.h"
#include "engine/host/metrics_file.h"
#include "engine/host/parent.h"
#include "engine/host/service/service_link.h"
#include "engine/io/reactor.h"
#include "engine/io/signal_source.h"
#include "engine/io/timers.h"
#include "engine/trust/agent_key.h"
#include "engine/trust/fleet_key.h"

namespace murder::agent {

// Whether the configuration can be read, when SIGHUP asks for it.
class AgentReload {
 public:
  virtual ~AgentReload() = default;
  [[nodiscard]] virtual Status check() = 0;
};

// For the time of a deploy.
struct OnceRun {
  Duration lease{};           // it ends when no coordinator was heard for so long
  Duration connect_max{};     // or none at all by then; 0: no matter
  Duration reach_max{};       // or none took a connection by then
  bool tells_parent = false;  // which ends when a coordinator was heard
  std::string key_lines;      // of the deploy, for what it starts; empty: it has none
  std::string run_directory;  // where deploys have their locks
  std::optional<host::DeployLock> lock = std::nullopt;  // held while it is at work
  StdioEnds* stdio = nullptr;  // taken; nullptr: it connects to its coordinators itself
};

struct AgentRun {
  const AgentOptions& options;
  std::optional<trust::FleetKeys> keys;
  std::string program;  // the path of this program
  std::optional<OnceRun> once;
  AgentReload* reload = nullptr;
};

enum class AgentEnd : uint8_t {
  stopped,
  restart,  // in place: the program, or its configuration, is another one
  over,     // the deploy that it was started for
  no_lease,
  no_coordinator,
  unreached,  // no coordinator took a connection
};

class AgentProcess final : private LinkOwner, private WorkerOwner, private HealthOwner {
 public:
  [[nodiscard]] static Result<std::unique_ptr<AgentProcess>> create(const AgentRun& run,
                                                                    host::Parent& parent);
  AgentProcess(const AgentProcess&) = delete;
  AgentProcess& operator=(const AgentProcess&) = delete;
  ~AgentProcess();

  // Until a signal, or the end of a lease.
  AgentEnd run();
  // Why the last attempt to reach a coordinator failed.
  [[nodiscard]] const std::string& last_loss() const { return last_loss_; }

 private:
  struct App {
    std::unique_ptr<AppWorker> worker;
    std::unique_ptr<HealthWatch> health;  // nullptr: it has no check
    std::optional<InfoHash> checked;      // the release whose health is watched
    bool is_first_check = false;          // the one under way: of what was active at the start
    Instant fresh_until{};
    std::optional<InfoHash> wanted;  // last
    // What was said last.
    std::optional<InfoHash> said_active;
    uint64_t said_failure = 0;
  };
  struct EndedStep {
    std::string app;
    uint64_t number = 0;
    Status outcome;
  };

  AgentProcess(const AgentRun& run, host::Parent& parent, StateDirectory state, trust::AgentKey key,
               std::unique_ptr<io::Reactor> reactor, uint64_t session);
  [[nodiscard]] static Result<std::unique_ptr<AgentProcess>> create_in(
      std::optional<StateDirectory>& state, const AgentRun& run, host::Parent& parent);
  [[nodiscard]] Status start(control::KeptAgent kept);

  void pump();
  void carry_out();
  [[nodiscard]] bool save();
  void do_step(const control::Step& step);
  void send_report();
  [[nodiscard]] bool is_as_reported(const control::Report& report) const;
  void send_outcomes(const std::vector<std::string>& outcomes);
  void send_facts();
  void watch_health();
  void say_changes();
  void arm_timers();
  void stop_work();
  void look_at_program();
  void begin_end(AgentEnd end);
  [[nodiscard]] bool is_switching() const;
  // Of a run for the time of a deploy (agent_once.cc).
  [[nodiscard]] Status begin_once();
  void start_link();
  void finish_once();
  void tell_connected();
  [[nodiscard]] Duration heartbeat_interval() const;
  [[nodiscard]] size_t index_of(const std::string& app) const;
  [[nodiscard]] std::string state_line() const;
  [[nodiscard]] std::string metrics() const;
  [[nodiscard]] uint64_t free_bytes() const;
  void say(host::ServiceEventKind kind, std::string_view text, std::string_view tag = {},
           const std::optional<InfoHash>& release = std::nullopt);

  void tick(io::Timer& timer);
  void heartbeat(io::Timer& timer);
  void save_again(io::Timer& timer);
  void once_due(io::Timer& timer);
  void look_for_coordinator(Instant now);
  void parent_gone(io::Operation& operation, int32_t result, uint32_t cqe_flags);
  void signalled(int signal_number);
  void program_checked(WatchedChild& child);

  // LinkOwner
  Result<control::Hello> answer(const control::Challenge& challenge) override;
  void link_opened() override;
  void link_heard(const control::Wanted& wanted) override;
  void link_ordered(std::string_view text) override;
  void link_ended(const control::Ended& ended) override;
  void link_lost(const Error& error) override;
  // WorkerOwner
  void step_ended(const std::string& app, uint64_t number, const Status& outcome) override;
  void made_progress(const std::string& app, uint64_t bytes) override;
  void release_missing(const std::string& app, const InfoHash& release) override;
  std::string torrent_url(const InfoHash& release) override;
  void worker_facts(const WorkFacts& facts) override;
  void worker_note(const std::string& app, std::string_view line) override;
  // HealthOwner
  void health_seen(const std::string& app, bool is_healthy, std::string_view text) override;

  const AgentRun run_;
  host::Parent& parent_;
  StateDirectory state_;
  const trust::AgentKey key_;
  std::unique_ptr<io::Reactor> reactor_;
  std::unique_ptr<io::SignalSource> signals_;
  std::unique_ptr<host::ServiceLink> service_;
  std::unique_ptr<host::MetricsWriter> metrics_;
  const uint64_t session_;
  std::optional<control::AgentMachine> machine_;
  std::optional<OrderGuard> orders_;
  OutcomeSigner outcomes_;
  std::optional<CoordinatorLink> link_;
  std::unique_ptr<StdioRelay> relay_;  // nullptr: none is needed
  std::optional<HeldLock> lock_;       // of a deploy
  std::vector<App> apps_;              // as the options' apps
  io::Timer tick_timer_;
  io::Timer heartbeat_timer_;
  io::Timer save_timer_;
  io::Timer once_timer_;  // of the lease; then of the end
  io::Operation parent_poll_;
  std::deque<EndedStep> ended_;
  WorkFacts facts_;                  // of a deploy, which has one app
  std::deque<control::Step> steps_;  // of work that could not be saved yet
  bool has_unsaved_ = false;
  bool wants_report_ = false;
  bool is_pumping_ = false;
  std::optional<AgentEnd> end_;
  ProgramFile program_;
  std::optional<WatchedChild> program_check_;
  std::string last_loss_;  // said once
  std::string last_refusal_;
  std::optional<control::Report> reported_;  // in full, last on this connection
  bool is_reported_heard_ = false;           // the coordinator has heard it
  Instant renewed_at_{};
  bool keep_partial_ = false;     // at the end of a deploy
  bool has_looked_ = false;       // whether a coordinator took a connection
  bool has_told_parent_ = false;  // that a coordinator was heard; or it was, with none to tell
  uint64_t report_count_ = 0;
  uint64_t wanted_count_ = 0;
};

}  // namespace murder::agent
