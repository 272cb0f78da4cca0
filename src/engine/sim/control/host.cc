#include "engine/sim/control/host.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "engine/base/ensure.h"
#include "engine/control/bounds.h"

namespace murder::control_sim {

using control::Phase;
using control::StepKind;

Host::Host(HostWorld& world, uint32_t index, control::AgentConfig config, Lie lie, uint64_t seed)
    : apps(config.apps.size()),
      world_(world),
      index_(index),
      config_(std::move(config)),
      lie_(lie),
      prng_(seed) {}

void Host::install(uint32_t app, const TrueRelease& release) {
  apps[app].current = release.info_hash;
  apps[app].is_switched = true;
  const control::HeldRelease held{.info_hash = release.info_hash, .serial = release.serial};
  kept_.apps.push_back(
      {.app = config_.apps[app].app, .active = held, .ready = {held}, .is_healthy = true});
}

void Host::start_process() {
  ENSURE(!machine_ && is_powered);
  ++process_;
  wake_at_ = instant_never;
  machine_.emplace(config_, kept_, prng_.next() | 1U, world_.now());
  schedule(EventKind::heartbeat, 0, between(0, 30));
  drain(/*is_start=*/true);
}

void Host::end_process() {
  machine_.reset();
  steps_.clear();
  heard_.clear();
  ++process_;
}

void Host::wipe() {
  ENSURE(!machine_);
  kept_ = {};
  wiped_at = world_.now();
  for (TrueApp& app : apps) {
    app = {.before_first_told = app.before_first_told};
  }
}

bool Host::is_well(uint32_t app) const {
  const TrueApp& real = apps[app];
  if (!is_powered || !real.current || !real.is_switched) {
    return false;
  }
  if (!config_.apps[app].has_health_check) {
    return true;  // nobody can tell
  }
  const Fate fate = world_.releases().fate_of(*real.current, index_);
  return fate != Fate::is_sick && !real.is_flapped;
}

bool Host::has_heard_revoked(uint32_t app, const InfoHash& release) const {
  ENSURE(machine_.has_value());
  const std::vector<InfoHash>& revoked = machine_->kept().apps[app].revoked;
  return std::find(revoked.begin(), revoked.end(), release) != revoked.end();
}

bool Host::has(uint32_t app, const InfoHash& release) const {
  const std::string& name = config_.apps[app].app;
  for (const control::KeptApp& kept : kept_.apps) {
    for (const control::HeldRelease& held : kept.ready) {
      if (kept.app == name && held.info_hash == release) {
        return true;
      }
    }
  }
  return false;
}

void Host::take(const Event& event) {
  if (!machine_ || event.process != process_) {
    return;
  }
  const Instant now = world_.now();
  switch (event.kind) {
    case EventKind::wanted:
      heard_ = event.wanted->apps;
      machine_->hear(*event.wanted, now);
      break;
    case EventKind::heartbeat:
      send();
      schedule(EventKind::heartbeat, 0, between(24, 30));
      break;
    case EventKind::wake:
      wake_at_ = instant_never;
      machine_->tick(now);
      break;
    case EventKind::step:
      end_step(event.app, event.number);
      break;
    case EventKind::health:
      look_at_health(event.app);
      break;
    case EventKind::flap:
      if (apps[event.app].current && apps[event.app].is_switched && event.number == 0) {
        apps[event.app].is_flapped = !apps[event.app].is_flapped;
        machine_->see_health(config_.apps[event.app].app, is_well(event.app), now);
      }
      break;
    default:
      ENSURE(event.kind == EventKind::wanted);
  }
  drain();
}

void Host::look_at_health(uint32_t app) {
  const Phase phase = machine_->kept().apps[app].phase;
  if (phase != Phase::checking && phase != Phase::checking_return) {
    return;
  }
  const bool well = is_well(app);
  apps[app].is_down_by_us = apps[app].is_down_by_us && !well;
  machine_->see_health(config_.apps[app].app, well, world_.now());
  schedule(EventKind::health, app, std::chrono::seconds(1));
}

void Host::drain(bool is_start) {
  while (machine_) {
    control::AgentWork work = machine_->take_work();
    if (!work.save && !work.report && work.steps.empty()) {
      break;
    }
    if (work.save) {
      kept_ = machine_->kept();
      if (world_.dies_here(*this)) {
        return;
      }
    }
    for (const control::Step& step : work.steps) {
      carry_out(step, is_start);
    }
    if (work.report) {
      send();
    }
  }
  const Instant next = machine_ ? machine_->next_at() : instant_never;
  if (next < wake_at_) {
    wake_at_ = next;
    schedule(EventKind::wake, 0, std::max(Duration{}, next - world_.now()));
  }
}

void Host::carry_out(const control::Step& step, bool again) {
  const uint32_t app = app_index(step.app);
  TrueApp& real = apps[app];
  const Fate fate = step.kind == StepKind::discard || step.kind == StepKind::cancel
                        ? Fate::works
                        : world_.releases().fate_of(step.release, index_);
  switch (step.kind) {
    case StepKind::discard:
      return;
    case StepKind::cancel:
      std::erase_if(steps_, [&](const auto& each) { return each.second.app == step.app; });
      return;
    case StepKind::fetch:
      if (fate != Fate::stalls) {
        schedule(EventKind::step, app, between(0.5, 40), step.number);
      }
      break;
    case StepKind::verify:
      schedule(EventKind::step, app, between(0.05, 1), step.number);
      break;
    case StepKind::activate: {
      const bool by_command = machine_->kept().apps[app].phase == Phase::activating;
      real.is_down_by_us = real.is_down_by_us || is_well(app);
      real.current = step.release;
      real.is_switched = real.is_flapped = false;
      world_.activation_begins(*this, app, step.release, by_command, again);
      if (fate != Fate::hangs) {
        schedule(EventKind::step, app, between(0.1, 6), step.number);
      }
      break;
    }
  }
  steps_.emplace_back(step.number, step);
}

void Host::end_step(uint32_t app, uint64_t number) {
  const auto ended = std::find_if(steps_.begin(), steps_.end(),
                                  [&](const auto& each) { return each.first == number; });
  if (ended == steps_.end()) {
    return;  // cancelled
  }
  const control::Step step = ended->second;
  steps_.erase(ended);
  const Fate fate = world_.releases().fate_of(step.release, index_);
  bool done = true;
  if (step.kind == StepKind::verify) {
    done = fate != Fate::cannot_fetch;
  }
  if (step.kind == StepKind::activate) {
    done = fate != Fate::breaks;
    apps[app].is_switched = done;
    apps[app].is_down_by_us = !is_well(app);
    if (fate == Fate::flaps) {
      schedule(EventKind::flap, app, between(5, 60));
    }
  }
  machine_->end_step(step.app, number, done, done ? "" : "as it was made to", world_.now());
  look_at_health(app);
}

void Host::send() {
  control::Report report = machine_->make_report(world_.now());
  lie(report);
  world_.send_report(*this, std::move(report));
}

void Host::lie(control::Report& report) {
  if (lie_ == Lie::none) {
    return;
  }
  for (control::AppReport& app : report.apps) {
    const auto wanted =
        std::find_if(heard_.begin(), heard_.end(),
                     [&](const control::WantedApp& each) { return each.app == app.app; });
    if (wanted == heard_.end() || !wanted->release) {
      continue;
    }
    if (lie_ == Lie::claims_health) {
      app.active = wanted->release;
      app.ready = {*wanted->release};
      app.phase = Phase::idle;
      app.attempt = wanted->attempt;
      app.is_healthy = true;
    } else if (lie_ == Lie::claims_failure) {
      app.failed_attempt = wanted->attempt;
      app.failure = control::Reason::health;
      app.text = "\x1b[31m it hurts \xff";
    } else if (lie_ == Lie::claims_nonsense) {
      app.phase = static_cast<Phase>(prng_.below(7));
      app.attempt = prng_.next();
      app.is_healthy = prng_.below(2) == 0;
      app.is_unconfirmed = prng_.below(2) == 0;
      app.failed_attempt = prng_.below(2) == 0 ? wanted->attempt : prng_.next();
      app.failure = static_cast<control::Reason>(prng_.below(12));
      app.progress = prng_.next();
      if (prng_.below(3) == 0) {
        app.active = wanted->release;
        report.groups = {fmt::format("g{}", prng_.below(3))};
      }
    }
  }
  if (lie_ == Lie::claims_name && prng_.below(2) == 0) {
    report.host = fmt::format("h{}", prng_.below(index_ + 3));
  }
}

void Host::schedule(EventKind kind, uint32_t app, Duration after, uint64_t number) {
  world_.schedule({.kind = kind, .host = index_, .app = app, .process = process_, .number = number},
                  after);
}

uint32_t Host::app_index(const std::string& name) const {
  const auto found =
      std::find_if(config_.apps.begin(), config_.apps.end(),
                   [&](const control::AgentConfig::AppConfig& app) { return app.app == name; });
  ENSURE(found != config_.apps.end());
  return static_cast<uint32_t>(found - config_.apps.begin());
}

Duration Host::between(double least_s, double most_s) {
  return Duration(static_cast<int64_t>((least_s + (most_s - least_s) * prng_.unit()) * 1e9));
}

}  // namespace murder::control_sim
