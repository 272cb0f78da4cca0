#include "engine/control/agent.h"

#include <algorithm>
#include <utility>

#include "engine/base/ensure.h"
#include "engine/control/bounds.h"
#include "engine/control/names.h"
#include "engine/control/wanted_check.h"

namespace murder::control {

AgentMachine::AgentMachine(AgentConfig config, KeptAgent kept, uint64_t session, Instant now)
    : config_(std::move(config)), session_(session) {
  kept_.origin = kept.origin;
  kept_.revision = kept.revision;
  for (const AgentConfig::AppConfig& app : config_.apps) {
    const auto before = std::find_if(kept.apps.begin(), kept.apps.end(),
                                     [&](const KeptApp& each) { return each.app == app.app; });
    kept_.apps.push_back(before != kept.apps.end() ? *before : KeptApp{.app = app.app});
    now_.push_back({.has_health_check = app.has_health_check});
    KeptApp& own = kept_.apps.back();
    if (!own.active) {
      own.phase = Phase::idle;
      own.is_healthy = false;
    } else if (std::find(own.ready.begin(), own.ready.end(), *own.active) == own.ready.end()) {
      own.ready.push_back(*own.active);
    }
    own.is_unconfirmed = own.is_unconfirmed && own.active && !is_activating(own.phase);
    own.failed_attempt = own.failure == Reason::none ? 0 : own.failed_attempt;
  }
  greeting_.session = session;
  for (size_t index = 0; index < kept_.apps.size(); ++index) {
    KeptApp& app = kept_.apps[index];
    Now& present = now_[index];
    if (!is_activating(app.phase)) {
      app.phase = Phase::idle;  // a fetch begins again when it is wanted
    } else {
      // The switch may have been cut off anywhere: once more, with all the time there is for it.
      app.phase = app.phase <= Phase::checking ? Phase::activating : Phase::returning;
      app.is_healthy = false;
      present.deadline = now + app.healthy_deadline;
      ask(StepKind::activate, app, app.active->info_hash);
    }
    present.confirm_by = app.is_unconfirmed ? now + app.confirm_within : instant_never;
  }
  work_.report = true;
  check();
}

void AgentMachine::hear(const Wanted& wanted, Instant now) {
  if (!is_possible(wanted)) {
    return;
  }
  if (wanted.origin != kept_.origin) {
    // Another coordinator's state, which counts anew.
    kept_.origin = wanted.origin;
    kept_.revision = 0;
    for (KeptApp& app : kept_.apps) {
      app.attempt = app.failed_attempt = 0;
    }
  }
  if (wanted.greeting.session == session_) {
    learn_greeting(wanted.greeting, now);
  }
  if (wanted.revision < kept_.revision) {
    if (!is_newer_for_long(wanted, now)) {
      return;  // late
    }
    work_.save = true;
  }
  kept_.revision = wanted.revision;
  believed_at_ = report_count_;
  behind_since_ = instant_never;
  if (wanted.greeting.session == session_) {
    const bool is_remembered =
        wanted.heard_number <= report_count_ && wanted.heard_number + sent_max > report_count_;
    if (wanted.heard_number > 0 && is_remembered) {
      lease_from_ = std::max(lease_from_, sent_at_[wanted.heard_number % sent_max]);
    }
  }
  for (size_t index = 0; index < now_.size(); ++index) {
    now_[index].wanted = WantedApp{.app = kept_.apps[index].app};
  }
  for (const WantedApp& app : wanted.apps) {
    const size_t index = find(app.app);
    if (index == kept_.apps.size()) {
      continue;  // its configuration names no such app
    }
    now_[index].wanted = app;
    forget_refusal(kept_.apps[index], app);
    forget_impossible_attempt(kept_.apps[index], app, wanted.revision);
    learn_revoked(kept_.apps[index], app.revoked);
  }
  tick(now);
}

// The latest greeting counts. When no coordinator has heard this agent for a lease, what it says
// may not be the latest but what no coordinator ever said: any other may be.
void AgentMachine::learn_greeting(const Greeting& greeting, Instant now) {
  const bool is_other = greeting.number != 0 && greeting.number != greeting_.number;
  if (is_other && (greeting.number > greeting_.number || !has_lease(now))) {
    greeting_.number = greeting.number;
    work_.report = true;  // it counts from now on
  }
}

// Whether for a lease all that came answers reports which were sent after the latest revision was
// heard, and counts lower: that revision was no coordinator's, or the state is an older copy.
bool AgentMachine::is_newer_for_long(const Wanted& wanted, Instant now) {
  const bool is_newer = wanted.greeting == greeting_ && wanted.heard_number > believed_at_ &&
                        wanted.heard_number <= report_count_;
  if (is_newer) {
    behind_since_ = std::min(behind_since_, now);
  }
  return is_newer && now - behind_since_ >= limits::control_lease;
}

// A number of a record that its coordinator has not written yet: no coordinator asked for it.
void AgentMachine::forget_impossible_attempt(KeptApp& app, const WantedApp& wanted,
                                             uint64_t revision) {
  if (wanted.release && app.attempt > revision && app.attempt > wanted.attempt) {
    app.attempt = app.failed_attempt = 0;
    work_.save = true;
  }
}

// What was refused for want of an order was ordered since.
void AgentMachine::forget_refusal(KeptApp& app, const WantedApp& wanted) {
  if (app.failure == Reason::unordered && wanted.release && wanted.refusal.empty()) {
    app.failure = Reason::none;
    app.failed_attempt = 0;
    app.text.clear();
    work_.save = work_.report = true;
  }
}

// None that was heard of is forgotten, but for the oldest when there are too many.
void AgentMachine::learn_revoked(KeptApp& app, const std::vector<InfoHash>& revoked) {
  for (const InfoHash& release : revoked) {
    if (std::find(app.revoked.begin(), app.revoked.end(), release) == app.revoked.end()) {
      app.revoked.insert(app.revoked.begin(), release);
      work_.save = true;
    }
  }
  app.revoked.resize(std::min<size_t>(app.revoked.size(), limits::control_revoked_told_max));
}

void AgentMachine::end_step(const std::string& name, uint64_t number, bool done,
                            std::string_view text, Instant now) {
  const size_t index = find(name);
  ENSURE(index < kept_.apps.size());
  KeptApp& app = kept_.apps[index];
  Now& present = now_[index];
  const bool is_inactive = std::exchange(present.is_inactive, false);
  if (number == 0 || number != present.step) {
    return;  // of what was given up
  }
  present.step = 0;
  const bool is_fetch = app.phase == Phase::fetching;
  const bool is_verify = app.phase == Phase::verifying;
  if (is_fetch && done) {
    enter(app, Phase::verifying);
    ask(StepKind::verify, app, present.fetched.info_hash);
  } else if (is_verify && done) {
    app.ready.push_back(present.fetched);
    enter(app, Phase::idle);
  } else if (is_fetch || is_verify) {
    enter(app, Phase::idle);
    refuse(app, Reason::fetch, text);
  } else if (app.phase == Phase::activating && !done) {
    begin_return(app, present, Reason::activation, text, now);
    if (is_inactive && app.phase == Phase::idle) {
      app.active.reset();  // there is nothing to go back to either
    }
  } else {
    ENSURE(app.phase == Phase::activating || app.phase == Phase::returning);
    enter(app, app.phase == Phase::activating ? Phase::checking : Phase::checking_return);
    present.healthy_since = present.has_health_check ? instant_never : Instant::min();
  }
  advance(index, now);
}

void AgentMachine::see_health(const std::string& name, bool is_healthy, Instant now,
                              std::string_view text) {
  const size_t index = find(name);
  ENSURE(index < kept_.apps.size());
  KeptApp& app = kept_.apps[index];
  Now& present = now_[index];
  present.health_text = is_healthy ? std::string() : bounded_text(text);
  if (app.phase == Phase::checking || app.phase == Phase::checking_return) {
    present.healthy_since = is_healthy ? std::min(present.healthy_since, now) : instant_never;
    present.is_return_unhealthy = app.phase == Phase::checking_return && !is_healthy &&
                                  present.unhealthy_before == app.active->info_hash;
  } else if (!is_activating(app.phase)) {
    note_health(app, present, is_healthy);
  }
  if (!is_activating(app.phase) && app.active && app.is_healthy != is_healthy) {
    app.is_healthy = is_healthy;
    work_.save = work_.report = true;
  }
  advance(index, now);
}

void AgentMachine::see_earlier_health(const std::string& name, bool is_healthy) {
  const size_t index = find(name);
  ENSURE(index < kept_.apps.size());
  if (!is_activating(kept_.apps[index].phase)) {
    note_health(kept_.apps[index], now_[index], is_healthy);
  }
}

void AgentMachine::note_health(const KeptApp& app, Now& present, bool is_healthy) {
  present.unhealthy_before.reset();
  if (app.active && !is_healthy) {
    present.unhealthy_before = app.active->info_hash;
  }
}

void AgentMachine::see_missing(const std::string& name, const InfoHash& release) {
  const size_t index = find(name);
  ENSURE(index < kept_.apps.size());
  KeptApp& app = kept_.apps[index];
  std::erase_if(app.ready, [&](const HeldRelease& held) { return held.info_hash == release; });
  if (app.previous && app.previous->info_hash == release) {
    app.previous.reset();
  }
  work_.save = work_.report = true;
}

void AgentMachine::see_inactive(const std::string& name) {
  const size_t index = find(name);
  ENSURE(index < now_.size());
  now_[index].is_inactive = true;
}

void AgentMachine::see_progress(const std::string& name, uint64_t bytes) {
  const size_t index = find(name);
  ENSURE(index < now_.size());
  now_[index].progress = std::max(now_[index].progress, bytes);
}

void AgentMachine::tick(Instant now) {
  for (size_t index = 0; index < kept_.apps.size(); ++index) {
    advance(index, now);
  }
}

Instant AgentMachine::next_at() const {
  Instant next = instant_never;
  for (size_t index = 0; index < kept_.apps.size(); ++index) {
    const KeptApp& app = kept_.apps[index];
    const Now& present = now_[index];
    if (is_activating(app.phase)) {
      next = std::min(next, present.deadline);
    }
    if (app.phase == Phase::checking && present.healthy_since != instant_never &&
        present.healthy_since != Instant::min()) {
      next = std::min(next, present.healthy_since + app.min_healthy);
    }
    if (app.is_unconfirmed) {
      next = std::min(next, present.confirm_by);
    }
  }
  return next;
}

AgentWork AgentMachine::take_work() {
  return std::exchange(work_, {});
}

Report AgentMachine::make_report(Instant now) {
  Report report{.host = config_.host,
                .rack = config_.rack,
                .groups = config_.groups,
                .greeting = greeting_,
                .number = ++report_count_};
  sent_at_[report.number % sent_max] = now;
  for (size_t index = 0; index < kept_.apps.size(); ++index) {
    const KeptApp& app = kept_.apps[index];
    AppReport& part = report.apps.emplace_back();
    part.app = app.app;
    part.phase = app.phase;
    if (app.active) {
      part.active = app.active->info_hash;
    }
    part.is_healthy = app.is_healthy && !is_activating(app.phase);
    part.is_unconfirmed = app.is_unconfirmed;
    for (const HeldRelease& release : app.ready) {
      part.ready.push_back(release.info_hash);
    }
    part.progress = now_[index].progress;
    part.attempt = app.attempt;
    part.failed_attempt = app.failed_attempt;
    part.failure = app.failure;
    part.text = app.text;
    if (config_.is_of_a_deploy && app.previous && !is_activating(app.phase)) {
      part.switched_from = app.previous->info_hash;
    }
  }
  return report;
}

size_t AgentMachine::find(const std::string& app) const {
  const auto found = std::find_if(kept_.apps.begin(), kept_.apps.end(),
                                  [&](const KeptApp& each) { return each.app == app; });
  return static_cast<size_t>(found - kept_.apps.begin());
}

bool AgentMachine::has_lease(Instant now) const {
  return lease_from_ != Instant::min() && now - lease_from_ < limits::control_lease;
}

void AgentMachine::enter(KeptApp& app, Phase phase) {
  ENSURE(app.phase != phase);
  app.phase = phase;
  work_.save = work_.report = true;
}

void AgentMachine::ask(StepKind kind, const KeptApp& app, const InfoHash& release) {
  const bool is_answered = kind != StepKind::cancel && kind != StepKind::discard;
  const uint64_t number = is_answered ? ++step_count_ : 0;
  const WantedApp& wanted = now_[find(app.app)].wanted;
  work_.steps.push_back({.kind = kind,
                         .number = number,
                         .app = app.app,
                         .release = release,
                         .allow_older = wanted.allow_older && wanted.release == release});
  if (is_answered) {
    now_[find(app.app)].step = number;
  }
}

void AgentMachine::cancel(KeptApp& app, Now& present, const InfoHash& release) {
  if (present.step != 0) {
    present.step = 0;
    ask(StepKind::cancel, app, release);
  }
}

void AgentMachine::check() const {
  ENSURE(kept_.apps.size() == now_.size());
  for (const KeptApp& app : kept_.apps) {
    ENSURE(!is_activating(app.phase) || app.active.has_value());
    ENSURE(app.failed_attempt <= app.attempt || app.failure != Reason::none);
    ENSURE(!app.is_unconfirmed || (app.active.has_value() && !is_activating(app.phase)));
  }
}

}  // namespace murder::control
