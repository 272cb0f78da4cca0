// How an agent gets from what it has to what is wanted: one app, one step after the other.
#include <algorithm>

#include "engine/base/ensure.h"
#include "engine/control/agent.h"
#include "engine/control/bounds.h"
#include "engine/control/names.h"

namespace murder::control {
namespace {

bool is_revoked(const KeptApp& app, const InfoHash& release) {
  return std::find(app.revoked.begin(), app.revoked.end(), release) != app.revoked.end();
}

auto find_ready(KeptApp& app, const InfoHash& release) {
  return std::find_if(app.ready.begin(), app.ready.end(),
                      [&](const HeldRelease& held) { return held.info_hash == release; });
}

bool runs(const KeptApp& app, const InfoHash& release) {
  return app.active && app.active->info_hash == release;
}

}  // namespace

void AgentMachine::advance(size_t index, Instant now) {
  // Ends: each step goes on in the order of the phases, or waits.
  while (advance_once(index, now)) {
  }
  check();
}

bool AgentMachine::advance_once(size_t index, Instant now) {
  KeptApp& app = kept_.apps[index];
  Now& present = now_[index];
  switch (app.phase) {
    case Phase::idle:
      return advance_idle(app, present, now);
    case Phase::fetching:
    case Phase::verifying:
      if (present.wanted.release == present.fetched.info_hash &&
          !is_revoked(app, present.fetched.info_hash) &&
          (!app.is_unconfirmed ||
           (now < present.confirm_by && !is_revoked(app, app.active->info_hash)))) {
        return false;
      }
      cancel(app, present, present.fetched.info_hash);
      enter(app, Phase::idle);
      return true;
    case Phase::activating:
    case Phase::checking:
      return advance_activation(app, present, now);
    case Phase::returning:
    case Phase::checking_return:
      return advance_return(app, present, now);
  }
  return false;
}

bool AgentMachine::advance_idle(KeptApp& app, Now& present, Instant now) {
  const WantedApp& wanted = present.wanted;
  if (app.is_unconfirmed) {
    ENSURE(app.active.has_value());
    if (is_revoked(app, app.active->info_hash)) {
      begin_return(app, present, Reason::revoked, "", now);
      return true;
    }
    if (wanted.confirmed && wanted.release == app.active->info_hash) {
      app.is_unconfirmed = false;
      work_.save = work_.report = true;
    } else if (now >= present.confirm_by) {
      begin_return(app, present, Reason::unconfirmed, "", now);
      return true;
    }
  }
  discard_others(app, present);
  if (!wanted.release || app.failed_attempt == wanted.attempt) {
    return false;
  }
  if (is_revoked(app, *wanted.release)) {
    refuse(app, Reason::revoked, "");
    return false;
  }
  if (!wanted.refusal.empty()) {
    refuse(app, Reason::unordered, wanted.refusal);
    return false;
  }
  const bool is_active = runs(app, *wanted.release);
  if (app.active && !is_active && !wanted.allow_older && wanted.serial < app.active->serial) {
    refuse(app, Reason::older, "");
    return false;
  }
  if (!is_active && find_ready(app, *wanted.release) == app.ready.end()) {
    present.fetched = {.info_hash = *wanted.release, .serial = wanted.serial};
    present.progress = 0;
    enter(app, Phase::fetching);
    ask(StepKind::fetch, app, *wanted.release);
    return false;
  }
  if (wanted.activate && wanted.attempt > app.attempt && has_lease(now)) {
    if (is_active && app.is_healthy) {
      accept_active(app, present, now);
    } else {
      begin_activation(app, present, now);
    }
  }
  return false;
}

// Told to activate what runs well, as a host is that went back by itself before it was told to:
// nothing is run once more.
void AgentMachine::accept_active(KeptApp& app, Now& present, Instant now) {
  app.attempt = present.wanted.attempt;
  app.failure = Reason::none;
  app.text.clear();
  app.confirm_within = present.wanted.confirm_within;
  app.is_unconfirmed = app.confirm_within > Duration{};
  present.confirm_by = app.is_unconfirmed ? now + app.confirm_within : instant_never;
  work_.save = work_.report = true;
}

void AgentMachine::begin_activation(KeptApp& app, Now& present, Instant now) {
  const WantedApp& wanted = present.wanted;
  const auto held = find_ready(app, *wanted.release);
  ENSURE(held != app.ready.end());
  // One that is not healthy is gone back to only where nothing better is known.
  if (app.active && (app.is_healthy || !app.previous) && app.active != *held) {
    app.previous = app.active;
  } else if (app.previous == *held) {
    app.previous.reset();
  }
  app.active = *held;
  app.attempt = wanted.attempt;
  app.failure = Reason::none;
  app.text.clear();
  app.is_healthy = app.is_unconfirmed = false;
  app.min_healthy = wanted.min_healthy;
  app.healthy_deadline = wanted.healthy_deadline;
  app.confirm_within = wanted.confirm_within;
  present.deadline = now + app.healthy_deadline;
  present.confirm_by = instant_never;
  present.health_text.clear();
  enter(app, Phase::activating);
  ask(StepKind::activate, app, app.active->info_hash);
}

bool AgentMachine::advance_activation(KeptApp& app, Now& present, Instant now) {
  ENSURE(app.active.has_value());
  const WantedApp& wanted = present.wanted;
  if (is_revoked(app, app.active->info_hash)) {
    begin_return(app, present, Reason::revoked, "", now);
    return true;
  }
  if (now >= present.deadline) {
    std::string text = app.phase == Phase::activating ? "the activation did not end in time"
                                                      : "the health check did not succeed in time";
    if (app.phase == Phase::checking && !present.health_text.empty()) {
      text += ": " + present.health_text;
    }
    begin_return(app, present, Reason::health, text, now);
    return true;
  }
  if (app.phase == Phase::activating) {
    return false;
  }
  // Told to activate something else meanwhile: what is being checked is of no interest any more.
  if (wanted.activate && wanted.attempt > app.attempt && wanted.release &&
      !runs(app, *wanted.release) && find_ready(app, *wanted.release) != app.ready.end() &&
      !is_revoked(app, *wanted.release) && has_lease(now)) {
    app.phase = Phase::idle;
    begin_activation(app, present, now);
    return false;
  }
  const bool is_healthy =
      present.healthy_since == Instant::min() ||
      (present.healthy_since != instant_never && now - present.healthy_since >= app.min_healthy);
  if (!is_healthy) {
    return false;
  }
  settle_healthy(app, present, now);
  return true;
}

void AgentMachine::settle_healthy(KeptApp& app, Now& present, Instant now) {
  ENSURE(app.phase == Phase::checking);
  app.is_healthy = true;
  app.is_unconfirmed = app.confirm_within > Duration{};
  present.confirm_by = app.is_unconfirmed ? now + app.confirm_within : instant_never;
  present.deadline = instant_never;
  enter(app, Phase::idle);
}

void AgentMachine::begin_return(KeptApp& app, Now& present, Reason reason, std::string_view text,
                                Instant now) {
  ENSURE(app.active.has_value());
  app.failed_attempt = app.attempt;
  app.failure = reason;
  app.text = bounded_text(text);
  app.is_healthy = app.is_unconfirmed = false;
  present.confirm_by = instant_never;
  work_.save = work_.report = true;
  cancel(app, present, app.active->info_hash);
  if (!app.previous || is_revoked(app, app.previous->info_hash)) {
    app.text = bounded_text(app.text + (app.text.empty() ? "" : "; ") +
                            "there is no release to go back to");
    present.deadline = instant_never;
    if (app.phase != Phase::idle) {
      enter(app, Phase::idle);
    }
    return;
  }
  app.active = app.previous;
  app.previous.reset();
  present.is_return_unhealthy = false;
  present.deadline = now + app.healthy_deadline;
  enter(app, Phase::returning);
  ask(StepKind::activate, app, app.active->info_hash);
}

// One that was not healthy before either is not waited for: its first check says so again.
bool AgentMachine::advance_return(KeptApp& app, Now& present, Instant now) {
  ENSURE(app.active.has_value());
  const bool is_healthy =
      app.phase == Phase::checking_return && present.healthy_since != instant_never;
  const bool is_settled = app.phase == Phase::checking_return && present.is_return_unhealthy;
  if (!is_healthy && !is_settled && now < present.deadline) {
    return false;
  }
  if (!is_healthy) {
    app.text = bounded_text(app.text + (app.text.empty() ? "" : "; ") +
                            (app.phase == Phase::checking_return
                                 ? "the health check fails for the release before, too"
                                 : "going back to the release before did not end in time"));
  }
  cancel(app, present, app.active->info_hash);
  app.is_healthy = is_healthy;
  present.deadline = instant_never;
  enter(app, Phase::idle);
  return true;
}

void AgentMachine::refuse(KeptApp& app, Reason reason, std::string_view text) {
  const uint64_t attempt = now_[find(app.app)].wanted.attempt;
  app.failed_attempt = attempt;
  app.failure = reason;
  app.text = bounded_text(text);
  work_.save = work_.report = true;
}

// Neither wanted, nor active, nor what there is to go back to.
void AgentMachine::discard_others(KeptApp& app, const Now& present) {
  const auto is_of_use = [&](const HeldRelease& held) {
    return !is_revoked(app, held.info_hash) &&
           (held == app.active || held == app.previous || present.wanted.release == held.info_hash);
  };
  for (size_t index = app.ready.size(); index > 0; --index) {
    const HeldRelease held = app.ready[index - 1];
    if (!is_of_use(held) && held != app.active) {
      ask(StepKind::discard, app, held.info_hash);
      app.ready.erase(app.ready.begin() + static_cast<std::ptrdiff_t>(index - 1));
      work_.save = true;
    }
  }
}

}  // namespace murder::control
