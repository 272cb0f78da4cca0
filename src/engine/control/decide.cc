// How a rollout goes on: outcomes, then failures, waves, and who is told next. Each decision is a
// record that is applied at once, and is a function of the state, the reports and the time: a
// coordinator that starts again in the middle of them makes the same ones that are left.
#include <fmt/format.h>

#include <algorithm>

#include "engine/base/ensure.h"
#include "engine/base/units.h"
#include "engine/control/bounds.h"
#include "engine/control/coordinator.h"
#include "engine/control/judge.h"

namespace murder::control {
namespace {

bool returns_somewhere(const Rollout& rollout) {
  return std::any_of(rollout.targets.begin(), rollout.targets.end(), [&](const Target& target) {
    return target.before != no_release && target.before != rollout.release;
  });
}

std::string in_seconds(Duration duration) {
  return format_duration(std::chrono::floor<std::chrono::seconds>(duration));
}

// "2 of 40 hosts failed: w1 (not healthy), w7 (...)"
std::string describe_failures(const State& state, const Rollout& rollout, const Tally& tally) {
  constexpr int named_max = 3;
  std::string text = fmt::format("{} of {} hosts failed:", tally.failed_count, tally.target_count);
  int named = 0;
  for (const Target& target : rollout.targets) {
    if (target.stage == Stage::failed && named++ < named_max) {
      text += fmt::format(" {} ({})", state.agent(target.agent).name, text_of(target.reason));
    }
  }
  text.resize(std::min<size_t>(text.size(), limits::control_text_bytes_max));
  return text;
}

// "activating; away for 31 s, given up in 8 min 20 s"
std::string text_of_silence(const View& view, Instant heard_at, Instant now) {
  const Duration left =
      settle_within(view.app.rollout->plan) - std::max<Duration>(now - view.target.since, {});
  std::string text = fmt::format("activating; not heard for {}", in_seconds(now - heard_at));
  return left > Duration{} ? fmt::format("{}, given up in {}", text, in_seconds(left)) : text;
}

// Empty: it runs what it should, or could be told to.
std::string why_unsettled(const View& view, Instant heard_at, Instant now) {
  const Target& target = view.target;
  const AppReport* report = view.report;
  if (target.reason != Reason::none) {
    return text_of(target.reason, target.text);
  }
  const bool back = goes_back(view.app.rollout->state);
  if (target.stage == (back ? Stage::back_done : Stage::healthy)) {
    const Release* release = back ? view.before : &view.release;
    ENSURE(release != nullptr);
    if (report != nullptr && report->active != release->info_hash) {
      return "it ran the release, and runs another one by now";
    }
    if (report != nullptr && !report->is_healthy) {
      return "it was healthy, and is not by now";
    }
    return release->revoked ? "it runs the release, which is revoked" : "";
  }
  if (is_in_flight(target.stage)) {
    // Two heartbeats that are missing say something.
    return now - heard_at > 2 * limits::control_heartbeat ? text_of_silence(view, heard_at, now)
                                                          : "activating";
  }
  if (!view.is_present) {
    return "away";
  }
  if (!may_be_told(view)) {
    return report == nullptr ? "no report yet" : "fetching";
  }
  return "";
}

// What a host that is told returns to.
const Release* find_before(const View& view) {
  const AppReport& report = *view.report;
  const std::optional<InfoHash>& before =
      report.active == view.release.info_hash && report.switched_from ? report.switched_from
                                                                      : report.active;
  return before ? find_release(view.app, *before) : nullptr;
}

}  // namespace

View Coordinator::view_of(const App& app, const Target& target, Instant now) const {
  ENSURE(app.rollout && target.agent.raw < presences_.size());
  const Release* release = find_release(app, app.rollout->release);
  ENSURE(release != nullptr);
  const Presence& presence = presences_[target.agent.raw];
  View view{.app = app,
            .target = target,
            .release = *release,
            .before = find_release(app, target.before),
            .is_present = is_present(target.agent, now)};
  if (view.is_present && presence.is_known) {
    for (const HeardApp& heard : presence.apps) {
      if (heard.report.app == app.name) {
        view.report = &heard.report;
        view.progress_at = heard.progress_at;
      }
    }
  }
  return view;
}

Tally Coordinator::tally_of(const App& app, Instant now) const {
  Tally tally;
  for (const Target& target : app.rollout->targets) {
    tally.add(view_of(app, target, now), state_.agent(target.agent).rack_number);
  }
  return tally;
}

void Coordinator::decide(App& app, Moment moment) {
  // Ends: a host's outcome follows from a report, once; being told is bounded; states go one way.
  while (true) {
    const size_t records_before = records_.size();
    judge_all(app, moment);
    const Tally tally = tally_of(app, moment.now);
    if (!stop_where_failed(app, tally, moment)) {
      advance_waves(app, tally, moment);
      tell_next(app, tally, moment);
    }
    if (records_.size() == records_before) {
      return;
    }
  }
}

void Coordinator::judge_all(App& app, Moment moment) {
  for (const Target& target : app.rollout->targets) {
    std::optional<Verdict> verdict = judge(view_of(app, target, moment.now), moment.now);
    if (verdict) {
      append(app,
             Outcome{.app = app.name,
                     .host = state_.agent(target.agent).name,
                     .stage = verdict->stage,
                     .reason = verdict->reason,
                     .text = std::move(verdict->text)},
             moment);
    }
  }
}

// A rollout that has reached its bound of failures, or whose release was revoked.
bool Coordinator::stop_where_failed(App& app, const Tally& tally, Moment moment) {
  const Rollout& rollout = *app.rollout;
  if (!may_follow(rollout.state, RolloutState::held)) {
    return false;
  }
  const Release* release = find_release(app, rollout.release);
  ENSURE(release != nullptr);
  // A pause lasts until it is ended; failures are looked at then.
  const bool failed = rollout.state != RolloutState::paused && has_failed(tally, rollout.plan);
  if (!release->revoked && !failed) {
    return false;
  }
  const std::string why = release->revoked ? fmt::format("{} is revoked", release->tag)
                                           : describe_failures(state_, rollout, tally);
  const bool goes_back =
      rollout.plan.on_failure == OnFailure::rollback && returns_somewhere(rollout);
  append(app,
         StateChanged{.app = app.name,
                      .state = goes_back ? RolloutState::undoing : RolloutState::held,
                      .why = why},
         moment);
  return true;
}

void Coordinator::advance_waves(App& app, const Tally& tally, Moment moment) {
  Rollout& rollout = *app.rollout;
  const auto become = [&](RolloutState state) {
    append(app, StateChanged{.app = app.name, .state = state}, moment);
  };
  if (rollout.state == RolloutState::aborting && tally.in_flight_count == 0) {
    become(RolloutState::aborted);
  } else if (rollout.state == RolloutState::undoing && tally.in_flight_count == 0 &&
             tally.unreturned_count == 0) {
    become(RolloutState::undone);
  }
  if (rollout.state != RolloutState::running || !may_begin(app, tally, moment) ||
      !is_settled(tally, rollout.plan, rollout.wave)) {
    rollout.settled_since = instant_never;
    return;
  }
  if (rollout.settled_since == instant_never) {
    rollout.settled_since = moment.now;
  }
  if (moment.now - rollout.settled_since < rollout.plan.bake) {
    return;
  }
  if (rollout.wave + 1 == rollout.plan.waves.size()) {
    become(RolloutState::done);
  } else {
    append(app,
           WaveBegun{.app = app.name,
                     .wave = wave_after(rollout.plan, rollout.wave, tally.target_count)},
           moment);
  }
}

bool Coordinator::may_begin(const App& app, const Tally& tally, Moment moment) const {
  const Plan& plan = app.rollout->plan;
  return moment.wall_s >= plan.begin_wall_s &&
         (tally.tried_count > 0 || tally.ready_count >= plan.quorum.rounded_up(tally.target_count));
}

// Whatever wave it is, and also before the first one. Whether one was told.
bool Coordinator::tell_switched(App& app, Moment moment) {
  const Rollout& rollout = *app.rollout;
  const bool is_open = goes_forward(rollout.state) && rollout.state != RolloutState::aborting &&
                       rollout.state != RolloutState::aborted;
  bool is_any_told = false;
  for (const Target& target : rollout.targets) {
    const View view = view_of(app, target, moment.now);
    const Release* before =
        is_open && was_switched_before(view) && may_be_told(view) ? find_before(view) : nullptr;
    if (before != nullptr) {
      is_any_told = true;
      append(
          app,
          Told{.app = app.name, .host = state_.agent(target.agent).name, .before = before->number},
          moment);
    }
  }
  return is_any_told;
}

void Coordinator::tell_next(App& app, Tally tally, Moment moment) {
  if (tell_switched(app, moment)) {
    return;  // and once more, with what they count
  }
  const Rollout& rollout = *app.rollout;
  const bool back = goes_back(rollout.state);
  const bool forward = (rollout.state == RolloutState::running && may_begin(app, tally, moment)) ||
                       rollout.state == RolloutState::done;
  if (!back && !forward) {
    return;
  }
  const uint32_t goal = wave_goal(rollout.plan, rollout.wave, tally.target_count);
  for (const Target& target : rollout.targets) {
    const View view = view_of(app, target, moment.now);
    const Agent& agent = state_.agent(target.agent);
    const bool is_down = counts_as_down(view);
    const bool is_tried = target.touched;
    if (!may_be_told(view) || (!is_down && !has_room(tally, rollout.plan, agent)) ||
        (forward && !is_tried && tally.tried_count >= goal)) {
      continue;
    }
    const Release* runs = find_before(view);
    append(app,
           Told{.app = app.name,
                .host = agent.name,
                .back = back,
                .before = runs == nullptr ? no_release : runs->number},
           moment);
    tally.down_count += is_down ? 0 : 1;
    tally.racks[agent.rack_number].down_count += is_down ? 0 : 1;
    tally.tried_count += is_tried ? 0 : 1;
    ENSURE(tally.tried_count <= tally.target_count && tally.down_count <= tally.target_count);
  }
}

std::vector<Unsettled> Coordinator::unsettled(const std::string& name, Instant now) const {
  std::vector<Unsettled> all;
  const App* app = state_.find_app(name);
  if (app == nullptr || !app->rollout) {
    return all;
  }
  const RolloutState state = app->rollout->state;
  const Tally tally = tally_of(*app, now);
  for (const Target& target : app->rollout->targets) {
    const View view = view_of(*app, target, now);
    if (goes_back(state) && !target.touched) {
      continue;
    }
    std::string why = why_unsettled(view, presences_[target.agent.raw].heard_at, now);
    if (why.empty() && may_be_told(view)) {
      why = has_room(tally, app->rollout->plan, state_.agent(target.agent))
                ? fmt::format("ready; the rollout is {}", name_of(state))
                : "ready; as many hosts are down as may be";
    }
    if (!why.empty()) {
      all.push_back({.agent = target.agent, .stage = target.stage, .why = std::move(why)});
    }
  }
  for (const ForgottenTarget& host : app->rollout->forgotten) {
    if (goes_back(state)) {
      all.push_back({.agent = host.agent,
                     .why = "was told, then forgotten by an operator: it returns when its agent "
                            "comes again"});
    }
  }
  return all;
}

RolloutWait Coordinator::wait_of(const App& app, Moment moment) const {
  const Rollout& rollout = *app.rollout;
  if (rollout.state != RolloutState::running) {
    return {};
  }
  if (moment.wall_s < rollout.plan.begin_wall_s) {
    return {.reason = WaitReason::begin_time,
            .left = std::chrono::seconds(std::min(rollout.plan.begin_wall_s - moment.wall_s,
                                                  limits::control_wait_shown_s_max))};
  }
  if (!may_begin(app, tally_of(app, moment.now), moment)) {
    return {.reason = WaitReason::quorum};
  }
  if (rollout.settled_since != instant_never) {
    return {
        .reason = WaitReason::bake,
        .left = std::max<Duration>(rollout.plan.bake - (moment.now - rollout.settled_since), {})};
  }
  return {};
}

}  // namespace murder::control
