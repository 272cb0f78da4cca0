// How an agent's process drives its machine: what happened goes in; what is to be done comes out,
// is saved, and is carried out.
#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <utility>

#include "agent/agent_process.h"
#include "agent/bounds.h"
#include "agent/placed.h"
#include "engine/base/ensure.h"
#include "engine/base/printable.h"
#include "engine/base/version.h"
#include "engine/control/bounds.h"
#include "engine/control/message_text.h"
#include "engine/host/host_proof_file.h"

namespace murder::agent {

// Not from within itself: what workers tell at once waits for the end of the round.
void AgentProcess::pump() {
  if (std::exchange(is_pumping_, true)) {
    return;
  }
  while (true) {
    while (!ended_.empty()) {
      const EndedStep ended = std::move(ended_.front());
      ended_.pop_front();
      if (!ended.outcome && !has_current(run_.options.apps[index_of(ended.app)])) {
        machine_->see_inactive(ended.app);
      }
      machine_->end_step(ended.app, ended.number, ended.outcome.has_value(),
                         ended.outcome ? "" : ended.outcome.error().text, reactor_->now());
    }
    carry_out();
    if (ended_.empty()) {
      break;
    }
  }
  is_pumping_ = false;
  watch_health();
  say_changes();
  service_->show_state();
  arm_timers();
  if (end_ == AgentEnd::restart || end_ == AgentEnd::over) {
    begin_end(*end_);
  }
}

void AgentProcess::carry_out() {
  while (true) {
    control::AgentWork work = machine_->take_work();
    has_unsaved_ = has_unsaved_ || work.save;
    wants_report_ = wants_report_ || work.report;
    steps_.insert(steps_.end(), std::make_move_iterator(work.steps.begin()),
                  std::make_move_iterator(work.steps.end()));
    if (has_unsaved_ && !save()) {
      return;  // nothing is begun, and nothing is reported, that a restart would not find
    }
    if (steps_.empty()) {
      break;
    }
    for (const control::Step& step : std::exchange(steps_, {})) {
      do_step(step);
    }
  }
  if (wants_report_ && link_->is_open()) {
    send_report();
  }
}

bool AgentProcess::save() {
  if (save_timer_.armed()) {
    return false;
  }
  if (Status saved = state_.save(machine_->kept()); !saved) {
    parent_.warn(fmt::format("{}: nothing is done until it can be written", saved.error().text));
    save_timer_.arm(reactor_->now() + limits::agent_save_retry);
    return false;
  }
  has_unsaved_ = false;
  return true;
}

void AgentProcess::save_again(io::Timer&) {
  pump();
}

void AgentProcess::do_step(const control::Step& step) {
  const size_t index = index_of(step.app);
  const control::KeptApp& kept = machine_->kept().apps[index];
  const bool is_revoked =
      std::find(kept.revoked.begin(), kept.revoked.end(), step.release) != kept.revoked.end();
  apps_[index].worker->add({.step = step,
                            .is_return = kept.phase == control::Phase::returning,
                            .allow_older = step.allow_older,
                            .is_revoked = is_revoked});
}

void AgentProcess::send_report() {
  wants_report_ = false;
  ++report_count_;
  // In front: the report may lead to another attempt.
  send_outcomes(outcomes_.take_due(machine_->kept(), std::time(nullptr)));
  control::Report report = machine_->make_report(reactor_->now());
  if (is_as_reported(report)) {
    link_->send(control::text_of(control::Alive{.number = report.number}));
    return;
  }
  link_->send(control::text_of(report));
  reported_ = std::move(report);
  is_reported_heard_ = false;
}

// But for its number; and the coordinator knows that.
bool AgentProcess::is_as_reported(const control::Report& report) const {
  if (!link_->takes_alive() || !reported_ || !is_reported_heard_) {
    return false;
  }
  control::Report before = *reported_;
  before.number = report.number;
  return before == report;
}

void AgentProcess::send_outcomes(const std::vector<std::string>& outcomes) {
  for (const std::string& text : outcomes) {
    if (link_->is_open()) {
      link_->send(control::text_of(control::OutcomeMessage{.text = text}));
    }
  }
}

void AgentProcess::send_facts() {
  link_->send(control::text_of(control::Facts{.version = std::string(program_version()),
                                              .free_bytes = free_bytes(),
                                              .warnings = facts_.warnings,
                                              .in_the_way = facts_.in_the_way,
                                              .keep_trouble = facts_.keep_trouble}));
}

size_t AgentProcess::index_of(const std::string& app) const {
  const auto& apps = machine_->kept().apps;
  const auto found =
      std::find_if(apps.begin(), apps.end(), [&](const auto& each) { return each.app == app; });
  ENSURE(found != apps.end());
  return static_cast<size_t>(found - apps.begin());
}

// What is active is checked, often until it is healthy and for a while, then with the heartbeats;
// nothing is checked while it is switched.
void AgentProcess::watch_health() {
  const Instant now = reactor_->now();
  for (size_t index = 0; index < apps_.size(); ++index) {
    App& app = apps_[index];
    if (app.health == nullptr) {
      continue;
    }
    const control::KeptApp& kept = machine_->kept().apps[index];
    const bool is_switching =
        kept.phase == control::Phase::activating || kept.phase == control::Phase::returning;
    if (!kept.active || is_switching) {
      app.checked.reset();
      app.is_first_check = false;
      app.health->set_pace(Duration::zero());
      continue;
    }
    if (app.checked != kept.active->info_hash) {
      app.checked = kept.active->info_hash;
      app.health->set_environment(hook_environment(
          app.worker->app(), placed_tag(app.worker->app(), *app.checked), app.checked->hex()));
      app.health->forget();
      app.fresh_until =
          control::is_activating(kept.phase) ? now + limits::agent_health_fresh_for : now;
      // What ran before a deploy is healthy until it is known better: how it was is asked once.
      app.is_first_check = run_.once && !control::is_activating(kept.phase);
      if (app.is_first_check) {
        app.health->check_now();
      }
    }
    const bool is_checking = control::is_activating(kept.phase);
    const bool is_fresh = now < app.fresh_until || !kept.is_healthy;
    app.health->set_pace(is_checking ? limits::agent_health_first
                         : is_fresh  ? limits::agent_health_fresh
                                     : Duration::zero());
  }
}

// --- what happens ---

Result<control::Hello> AgentProcess::answer(const control::Challenge& challenge) {
  Result<trust::SignedHello> proof = trust::sign_hello(key_, {.nonce = challenge.nonce,
                                                              .coordinator = challenge.coordinator,
                                                              .host = run_.options.host,
                                                              .session = session_});
  if (!proof) {
    return fail(proof.error());
  }
  control::Hello hello{.host = run_.options.host,
                       .version = std::string(program_version()),
                       .key = std::move(proof->key),
                       .signature = std::move(proof->signature),
                       .session = session_,
                       .once = run_.once.has_value(),
                       .host_proof = {},
                       .takes_heard = true};
  if (challenge.wants_host_proof) {
    Result<std::string> host_proof = host::make_host_proof(run_.options.host_key, run_.options.host,
                                                           key_.public_key, std::time(nullptr));
    if (!host_proof) {
      return fail(host_proof.error().code,
                  fmt::format("it wants this host's ssh key to sign for the agent's: {}",
                              host_proof.error().text));
    }
    hello.host_proof = std::move(*host_proof);
  }
  return hello;
}

void AgentProcess::link_opened() {
  last_loss_.clear();
  reported_.reset();
  say(host::ServiceEventKind::coordinator_found,
      fmt::format("connected to the coordinator {}", link_->coordinator().text()));
  send_facts();
  wants_report_ = true;
  pump();
  send_outcomes(outcomes_.latest());
}

void AgentProcess::link_heard(const control::Wanted& wanted) {
  ++wanted_count_;
  is_reported_heard_ = is_reported_heard_ || (reported_ && wanted.greeting == reported_->greeting &&
                                              wanted.heard_number >= reported_->number);
  renewed_at_ = reactor_->now();
  if (lock_) {
    lock_->note_heard(renewed_at_);
  }
  tell_connected();
  control::Wanted ordered = wanted;
  outcomes_.see_wanted(wanted);
  orders_->restrict_wanted(ordered, machine_->kept(), std::time(nullptr));
  for (size_t index = 0; index < apps_.size(); ++index) {
    for (const control::WantedApp& app : ordered.apps) {
      if (app.app == run_.options.apps[index].name && app.release) {
        apps_[index].wanted = app.release;
      }
    }
  }
  machine_->hear(ordered, reactor_->now());
  pump();
}

void AgentProcess::link_ordered(std::string_view text) {
  orders_->read_signers();
  const std::string refusal = orders_->take(text, std::time(nullptr));
  if (!refusal.empty() && refusal != last_refusal_) {
    last_refusal_ = refusal;
    parent_.warn(fmt::format("refused {}", printable_value(refusal)));
  }
}

void AgentProcess::link_ended(const control::Ended& ended) {
  if (!run_.once || end_) {
    return;
  }
  say(host::ServiceEventKind::stopping, fmt::format("the deploy is over: {}", ended.text));
  keep_partial_ = ended.keep_partial;
  once_timer_.arm(reactor_->now() + limits::agent_once_finish_max);
  begin_end(AgentEnd::over);
}

void AgentProcess::link_lost(const Error& error) {
  if (end_ || error.text == last_loss_) {
    return;
  }
  last_loss_ = error.text;
  say(host::ServiceEventKind::coordinator_lost, error.text + " (trying again)");
  service_->show_state();
}

void AgentProcess::step_ended(const std::string& app, uint64_t number, const Status& outcome) {
  ended_.push_back({.app = app, .number = number, .outcome = outcome});
  pump();
}

void AgentProcess::made_progress(const std::string& app, uint64_t bytes) {
  machine_->see_progress(app, bytes);
}

void AgentProcess::release_missing(const std::string& app, const InfoHash& release) {
  machine_->see_missing(app, release);
}

std::string AgentProcess::torrent_url(const InfoHash& release) {
  return link_->is_open()
             ? link_->url_of(fmt::format("/control/torrent?info_hash={}", release.hex()))
             : std::string();
}

void AgentProcess::worker_facts(const WorkFacts& facts) {
  facts_ = facts;
  if (run_.once && link_->is_open()) {
    send_facts();
  }
}

void AgentProcess::worker_note(const std::string& app, std::string_view line) {
  parent_.note(fmt::format("{}: {}", app, line));
}

void AgentProcess::health_seen(const std::string& name, bool is_healthy, std::string_view text) {
  const auto app = std::find_if(apps_.begin(), apps_.end(),
                                [&](const App& each) { return each.worker->app().name == name; });
  ENSURE(app != apps_.end());
  if (std::exchange(app->is_first_check, false)) {
    machine_->see_earlier_health(name, is_healthy);
    return;
  }
  machine_->see_health(name, is_healthy, reactor_->now(), text);
  pump();
}

}  // namespace murder::agent
