#include "agent/agent_process.h"

#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <utility>

#include "agent/bounds.h"
#include "agent/once_places.h"
#include "agent/placed.h"
#include "engine/base/ensure.h"
#include "engine/base/monotonic_clock.h"
#include "engine/base/random_word.h"
#include "engine/base/version.h"
#include "engine/control/bounds.h"
#include "engine/host/agent_key_file.h"

namespace murder::agent {
namespace {

// An agent has few connections and few children: a small ring keeps an idle one small.
constexpr io::ReactorOptions reactor_options{
    .ring_entries = 64, .operations_max = 1024, .timers_expected = 64};
constexpr Duration stop_time_max = std::chrono::seconds(15);
constexpr Duration program_check_time_max = std::chrono::seconds(20);

control::AgentConfig config_of(const AgentOptions& options, bool is_of_a_deploy) {
  control::AgentConfig config{.host = options.host,
                              .rack = options.rack,
                              .groups = options.groups,
                              .apps = {},
                              .is_of_a_deploy = is_of_a_deploy};
  for (const AppOptions& app : options.apps) {
    config.apps.push_back({.app = app.name, .has_health_check = app.has_health_check()});
  }
  return config;
}

std::vector<std::string> names_of_apps(const AgentOptions& options) {
  std::vector<std::string> names;
  for (const AppOptions& app : options.apps) {
    names.push_back(app.name);
  }
  return names;
}

}  // namespace

Result<std::unique_ptr<AgentProcess>> AgentProcess::create(const AgentRun& run,
                                                           host::Parent& parent) {
  Result<StateDirectory> state = StateDirectory::open(run.options.state_directory);
  if (!state) {
    return fail(state.error());
  }
  std::optional<StateDirectory> held(std::move(*state));
  Result<std::unique_ptr<AgentProcess>> made = create_in(held, run, parent);
  // One of a deploy leaves nothing, also when it cannot begin.
  if (!made && run.once) {
    static_cast<void>(leave_no_trace(*held, run.options, /*keep_partial=*/true));
  }
  return made;
}

// Takes `state` when all is well.
Result<std::unique_ptr<AgentProcess>> AgentProcess::create_in(std::optional<StateDirectory>& state,
                                                              const AgentRun& run,
                                                              host::Parent& parent) {
  std::string warning;
  Result<control::KeptAgent> kept = state->load(warning);
  if (!kept) {
    return fail(kept.error());
  }
  if (!warning.empty()) {
    parent.warn(warning);
  }
  compare_with_places(run.options, *kept);
  Result<trust::AgentKey> key =
      host::load_or_make_agent_key(state->path() + "/agent.key", run.options.host);
  if (!key) {
    return fail(key.error());
  }
  const Result<uint64_t> session = random_word();
  if (!session) {
    return fail(session.error());
  }
  Result<std::unique_ptr<io::Reactor>> reactor = io::Reactor::create(reactor_options);
  if (!reactor) {
    return fail(reactor.error());
  }
  (*reactor)->run_turn(Duration::zero());  // it knows the time from here on
  std::unique_ptr<AgentProcess> agent(new AgentProcess(
      run, parent, std::move(*state), std::move(*key), std::move(*reactor), *session));
  if (Status started = agent->start(std::move(*kept)); !started) {
    *state = std::move(agent->state_);
    return fail(started.error());
  }
  return agent;
}

AgentProcess::AgentProcess(const AgentRun& run, host::Parent& parent, StateDirectory state,
                           trust::AgentKey key, std::unique_ptr<io::Reactor> reactor,
                           uint64_t session)
    : run_(run),
      parent_(parent),
      state_(std::move(state)),
      key_(std::move(key)),
      reactor_(std::move(reactor)),
      session_(session),
      outcomes_(key_, run.options.host),
      tick_timer_(reactor_->timers(), callback<&AgentProcess::tick>(this)),
      heartbeat_timer_(reactor_->timers(), callback<&AgentProcess::heartbeat>(this)),
      save_timer_(reactor_->timers(), callback<&AgentProcess::save_again>(this)),
      once_timer_(reactor_->timers(), callback<&AgentProcess::once_due>(this)),
      parent_poll_(callback<&AgentProcess::parent_gone>(this)),
      program_(run.program),
      renewed_at_(reactor_->now()) {}

AgentProcess::~AgentProcess() = default;

Status AgentProcess::start(control::KeptAgent kept) {
  auto signals = io::SignalSource::create(*reactor_, {SIGTERM, SIGINT, SIGHUP},
                                          callback<&AgentProcess::signalled>(this));
  if (!signals) {
    return fail(signals.error());
  }
  signals_ = std::move(*signals);
  service_ =
      std::make_unique<host::ServiceLink>(*reactor_, callback<&AgentProcess::state_line>(this),
                                          host::SilenceSource(), limits::control_heartbeat);
  if (!run_.options.metrics_file.empty()) {
    Result<std::unique_ptr<host::MetricsWriter>> metrics =
        host::MetricsWriter::create(run_.options.metrics_file);
    if (!metrics) {
      return fail(metrics.error());
    }
    metrics_ = std::move(*metrics);
  }
  for (const AppOptions& app : run_.options.apps) {
    Result<AppPlace> place = state_.make_app_place(app.name, run_.options.temp_path);
    if (!place) {
      return fail(place.error());
    }
    App made;
    made.worker = std::make_unique<AppWorker>(*reactor_, run_.program, run_.options, app,
                                              std::move(*place), static_cast<WorkerOwner&>(*this));
    if (app.has_health_check()) {
      made.health = std::make_unique<HealthWatch>(*reactor_, app, static_cast<HealthOwner&>(*this));
    }
    apps_.push_back(std::move(made));
  }
  Result<OrderGuard> orders = OrderGuard::open({.allowed_signers = run_.options.allowed_signers,
                                                .marks_path = state_.path() + "/orders",
                                                .host = run_.options.host,
                                                .groups = run_.options.groups,
                                                .apps = names_of_apps(run_.options)});
  if (!orders) {
    return fail(orders.error());
  }
  orders_.emplace(std::move(*orders));
  state_.put_by();
  machine_.emplace(config_of(run_.options, run_.once.has_value()), std::move(kept), session_,
                   reactor_->now());
  for (size_t index = 0; index < apps_.size(); ++index) {
    const control::KeptApp& app = machine_->kept().apps[index];
    apps_[index].said_failure = app.failed_attempt;
    if (app.active && app.is_healthy) {
      apps_[index].said_active = app.active->info_hash;
    }
  }
  link_.emplace(*reactor_, static_cast<LinkOwner&>(*this), run_.options.coordinators, run_.keys,
                session_);
  program_check_.emplace(*reactor_, callback<&AgentProcess::program_checked>(this));
  return run_.once ? begin_once() : Status();
}

AgentEnd AgentProcess::run() {
  service_->ready();
  say(host::ServiceEventKind::started, fmt::format("agent {} begins; coordinator {}",
                                                   run_.options.host, link_->coordinator().text()));
  start_link();
  heartbeat_timer_.arm(reactor_->now());
  pump();
  reactor_->run();
  const bool is_restart = end_ == AgentEnd::restart;
  if (is_restart) {
    service_->reloading();
  } else {
    service_->stopping();
  }
  say(host::ServiceEventKind::stopping, is_restart ? "agent begins again in place" : "agent ends");
  stop_work();
  if (metrics_ != nullptr) {
    metrics_->finish(metrics());
  }
  return *end_;
}

// An agent of a deploy closes its link when nothing is left of it: its coordinator counts that.
void AgentProcess::stop_work() {
  const bool is_restart = end_ == AgentEnd::restart;
  for (io::Timer* timer : {&tick_timer_, &heartbeat_timer_, &save_timer_, &once_timer_}) {
    timer->cancel();
  }
  if (parent_poll_.in_flight()) {
    reactor_->cancel_and_wait(parent_poll_);
  }
  if (!run_.once) {
    link_->close();
  }
  program_check_->kill_now();
  for (App& app : apps_) {
    app.worker->stop(/*ends_downloads=*/!is_restart);
    if (app.health != nullptr) {
      app.health->stop();
    }
  }
  const auto is_quiet = [this] {
    return !program_check_->is_busy() &&
           std::all_of(apps_.begin(), apps_.end(), [](const App& app) {
             return app.worker->is_idle() && (app.health == nullptr || app.health->is_idle());
           });
  };
  if (!reactor_->run_until(is_quiet, stop_time_max)) {
    for (App& app : apps_) {
      app.worker->stop(/*ends_downloads=*/false);
    }
    reactor_->run_until(is_quiet);
  }
  if (run_.once) {
    finish_once();
    link_->close();
  }
  reactor_->run_until([this] { return link_->is_closed(); });
  relay_.reset();
}

void AgentProcess::begin_end(AgentEnd end) {
  if (!end_ || end == AgentEnd::stopped) {
    end_ = end;
  }
  // Hooks run to their end; downloads go on meanwhile.
  const bool lets_end = end_ == AgentEnd::restart || end_ == AgentEnd::over;
  if (!lets_end || !is_switching()) {
    reactor_->stop();
  }
}

bool AgentProcess::is_switching() const {
  const auto& apps = machine_->kept().apps;
  return std::any_of(apps.begin(), apps.end(), [](const control::KeptApp& app) {
    return app.phase == control::Phase::activating || app.phase == control::Phase::returning;
  });
}

void AgentProcess::signalled(int signal_number) {
  if (signal_number != SIGHUP || run_.reload == nullptr) {
    begin_end(AgentEnd::stopped);
    return;
  }
  if (const Status readable = run_.reload->check(); !readable) {
    say(host::ServiceEventKind::reload_refused,
        fmt::format("configuration not read, the one before stays: {}", readable.error().text));
    service_->ready();
    return;
  }
  say(host::ServiceEventKind::reloaded, "configuration read again");
  begin_end(AgentEnd::restart);
}

// --- time ---

void AgentProcess::tick(io::Timer&) {
  machine_->tick(reactor_->now());
  pump();
}

void AgentProcess::heartbeat(io::Timer&) {
  state_.put_by();
  orders_->read_signers();
  look_at_program();
  for (App& app : apps_) {
    if (app.health != nullptr && app.checked) {
      app.health->check_now();
    }
  }
  if (metrics_ != nullptr) {
    metrics_->put(metrics());
    if (const std::optional<Error> error = metrics_->take_error()) {
      parent_.warn(error->text);
    }
  }
  wants_report_ = true;
  heartbeat_timer_.arm(reactor_->now() + heartbeat_interval());
  pump();
}

void AgentProcess::look_at_program() {
  if (run_.once || program_check_->is_busy() || !program_.is_replaced()) {
    return;
  }
  // What cannot even say its version does not take over.
  if (Status started = program_check_->start({.arguments = {program_.path(), "--version"},
                                              .environment = {},
                                              .time_max = program_check_time_max});
      !started) {
    program_.reject();
    parent_.warn(started.error().text);
  }
}

void AgentProcess::program_checked(WatchedChild& child) {
  if (!child.outcome()) {
    program_.reject();
    parent_.warn(fmt::format("the new program at {} is not used: {}", program_.path(),
                             child.outcome().error().text));
    return;
  }
  say(host::ServiceEventKind::reloaded,
      fmt::format("{} is another program now: {}", program_.path(), child.last_line()));
  begin_end(AgentEnd::restart);
}

void AgentProcess::arm_timers() {
  const Instant next = machine_->next_at();
  if (next == instant_never) {
    tick_timer_.cancel();
  } else {
    tick_timer_.arm(next);
  }
  const auto& apps = machine_->kept().apps;
  const bool is_fetching = std::any_of(apps.begin(), apps.end(), [](const auto& app) {
    return app.phase == control::Phase::fetching;
  });
  const Instant soon = reactor_->now() + (run_.once ? limits::agent_once_progress_every
                                                    : limits::agent_progress_every);
  if (is_fetching && heartbeat_timer_.deadline() > soon) {
    heartbeat_timer_.arm(soon);
  }
}

}  // namespace murder::agent
