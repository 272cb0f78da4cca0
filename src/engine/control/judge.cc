#include "engine/control/judge.h"

#include <algorithm>

#include "engine/base/ensure.h"
#include "engine/control/bounds.h"

namespace murder::control {
namespace {

using Judged = std::optional<Verdict>;

bool has(const AppReport& report, const InfoHash& release) {
  return std::find(report.ready.begin(), report.ready.end(), release) != report.ready.end();
}

bool is_idle(const View& view) {
  return view.report != nullptr && view.report->phase == Phase::idle;
}

bool runs(const View& view, const Release& release) {
  return is_idle(view) && view.report->active == release.info_hash;
}

bool runs_well(const View& view, const Release& release) {
  return runs(view, release) && view.report->is_healthy;
}

bool has_tells(const View& view) {
  return view.target.tells < limits::control_tells_max;
}

Judged failure_of_attempt(const View& view, Stage stage) {
  const AppReport* report = view.report;
  if (report == nullptr || report->failed_attempt != view.target.attempt ||
      report->failure == Reason::none) {
    return std::nullopt;
  }
  return Verdict{.stage = stage, .reason = report->failure, .text = report->text};
}

bool was_given_up(Reason reason) {
  return reason == Reason::lost || reason == Reason::silent || reason == Reason::late ||
         reason == Reason::unordered;
}

// It refused what was not ordered, and has an order by now.
bool is_ordered_by_now(const View& view) {
  return view.target.reason == Reason::unordered && view.report != nullptr &&
         view.report->failure != Reason::unordered;
}

// It reports, and does not get the release.
bool is_late(const View& view, const Release& release, Instant now) {
  return view.report != nullptr && !has(*view.report, release.info_hash) &&
         now - std::max(view.target.since, view.progress_at) >=
             view.app.rollout->plan.progress_deadline;
}

// No outcome in all the time that there was for it.
Judged overdue(const View& view, Stage stage, Instant now) {
  if (now - view.target.since < settle_within(view.app.rollout->plan)) {
    return std::nullopt;
  }
  return Verdict{.stage = stage, .reason = view.is_present ? Reason::silent : Reason::lost};
}

Judged judge_waiting(const View& view, Instant now) {
  const RolloutState state = view.app.rollout->state;
  if (view.report == nullptr || view.release.revoked || state == RolloutState::aborting ||
      state == RolloutState::aborted) {
    return std::nullopt;
  }
  if (runs_well(view, view.release) && !was_switched_before(view)) {
    return Verdict{.stage = Stage::healthy};  // it is there already
  }
  if (Judged failed = failure_of_attempt(view, Stage::failed)) {
    return failed;
  }
  if (!has_tells(view)) {
    return Verdict{.stage = Stage::failed, .reason = Reason::drifted};
  }
  if (is_late(view, view.release, now)) {
    return Verdict{.stage = Stage::failed, .reason = Reason::late};
  }
  return std::nullopt;
}

Judged judge_told(const View& view, Instant now) {
  if (view.report != nullptr && view.report->attempt == view.target.attempt &&
      runs_well(view, view.release)) {
    return Verdict{.stage = Stage::healthy};
  }
  Judged failed = failure_of_attempt(view, Stage::failed);
  if (failed && failed->reason == Reason::unconfirmed && has_tells(view)) {
    return Verdict{.stage = Stage::waiting};  // it was well; nobody was there to confirm it
  }
  return failed ? failed : overdue(view, Stage::failed, now);
}

Judged judge_healthy(const View& view) {
  const RolloutState state = view.app.rollout->state;
  const bool is_watched = state == RolloutState::running || state == RolloutState::paused ||
                          state == RolloutState::held;
  if (!is_idle(view) || view.release.revoked || (!is_watched && state != RolloutState::done)) {
    return std::nullopt;
  }
  if (view.report->active == view.release.info_hash) {
    // Once a rollout is done, health is the business of monitoring.
    return view.report->is_healthy || !is_watched
               ? std::nullopt
               : Judged(
                     {.stage = Stage::failed, .reason = Reason::health, .text = view.report->text});
  }
  return has_tells(view) ? Verdict{.stage = Stage::waiting}
                         : Verdict{.stage = Stage::failed, .reason = Reason::drifted};
}

// A host that was given up and is there again.
Judged judge_failed(const View& view) {
  const Reason reason = view.target.reason;
  const bool is_converging = view.app.rollout->state == RolloutState::running ||
                             view.app.rollout->state == RolloutState::done;
  if (!is_converging || !is_idle(view) || view.release.revoked || !has_tells(view)) {
    return std::nullopt;
  }
  if (was_given_up(reason) && runs_well(view, view.release)) {
    return Verdict{.stage = Stage::healthy};
  }
  const bool can_try_again = reason == Reason::lost || is_ordered_by_now(view) ||
                             (reason == Reason::late && has(*view.report, view.release.info_hash));
  return can_try_again ? Judged({.stage = Stage::waiting}) : std::nullopt;
}

// It failed, and is in the middle of going back by itself.
bool goes_back_by_itself(const View& view) {
  return view.target.stage == Stage::failed && view.before != nullptr && view.report != nullptr &&
         view.report->active == view.before->info_hash &&
         (view.report->phase == Phase::returning || view.report->phase == Phase::checking_return);
}

// It went back by itself, and its check fails there, too: to be told would change nothing.
bool is_back_unhealthy(const View& view) {
  return view.target.stage == Stage::failed && runs(view, *view.before) &&
         !view.report->is_healthy && view.report->failure != Reason::none;
}

Judged judge_back(const View& view, Instant now) {
  const Target& target = view.target;
  if (!target.touched) {
    return std::nullopt;
  }
  const bool is_back = view.before != nullptr && runs_well(view, *view.before);
  switch (target.stage) {
    case Stage::back_told: {
      ENSURE(view.before != nullptr);
      if (is_back && view.report->attempt == target.attempt) {
        return Verdict{.stage = Stage::back_done};
      }
      Judged failed = failure_of_attempt(view, Stage::back_failed);
      return failed ? failed : overdue(view, Stage::back_failed, now);
    }
    case Stage::back_done:
      return is_idle(view) && view.report->active != view.before->info_hash && !has_tells(view)
                 ? Judged({.stage = Stage::back_failed, .reason = Reason::drifted})
                 : std::nullopt;
    case Stage::back_failed:
      return is_back && (was_given_up(target.reason) || target.reason == Reason::health)
                 ? Judged({.stage = Stage::back_done})
                 : std::nullopt;
    default:
      break;
  }
  if (view.before == nullptr) {
    return Verdict{.stage = Stage::back_failed, .reason = Reason::nothing_before};
  }
  if (view.before->revoked) {
    return Verdict{.stage = Stage::back_failed, .reason = Reason::revoked};
  }
  if (Judged failed = failure_of_attempt(view, Stage::back_failed)) {
    return failed;
  }
  if (is_back_unhealthy(view)) {
    return Verdict{
        .stage = Stage::back_failed, .reason = Reason::health, .text = view.report->text};
  }
  if (goes_back_by_itself(view)) {
    return overdue(view, Stage::back_failed, now);
  }
  if (is_late(view, *view.before, now)) {
    return Verdict{.stage = Stage::back_failed, .reason = Reason::late};
  }
  if (target.stage == Stage::told) {
    return overdue(view, Stage::failed, now);
  }
  // A host that was not told since it reported this went back by itself.
  return is_back ? Judged({.stage = Stage::back_done}) : std::nullopt;
}

bool may_be_told_back(const View& view) {
  const Target& target = view.target;
  if (!target.touched || view.before == nullptr || view.before->revoked ||
      !has(*view.report, view.before->info_hash)) {
    return false;
  }
  switch (target.stage) {
    case Stage::back_told:
      return false;
    case Stage::back_done:
      return is_idle(view) && view.report->active != view.before->info_hash;
    case Stage::back_failed:
      return target.reason == Reason::lost || target.reason == Reason::late ||
             is_ordered_by_now(view);
    default:
      return !goes_back_by_itself(view);
  }
}

}  // namespace

Judged judge(const View& view, Instant now) {
  ENSURE(view.app.rollout.has_value());
  ENSURE(view.report == nullptr || view.is_present);
  if (goes_back(view.app.rollout->state)) {
    return judge_back(view, now);
  }
  switch (view.target.stage) {
    case Stage::waiting:
      return judge_waiting(view, now);
    case Stage::told:
      return judge_told(view, now);
    case Stage::healthy:
      return judge_healthy(view);
    case Stage::failed:
      return judge_failed(view);
    default:
      ENSURE(view.target.stage <= Stage::failed);
      return std::nullopt;
  }
}

bool was_switched_before(const View& view) {
  return view.target.stage == Stage::waiting && !view.target.touched && view.report != nullptr &&
         view.report->switched_from && runs_well(view, view.release) && has_tells(view);
}

bool may_be_told(const View& view) {
  if (view.report == nullptr || !has_tells(view)) {
    return false;
  }
  if (goes_back(view.app.rollout->state)) {
    return may_be_told_back(view);
  }
  return view.target.stage == Stage::waiting && !view.release.revoked && is_idle(view) &&
         has(*view.report, view.release.info_hash);
}

bool counts_as_down(const View& view) {
  if (is_in_flight(view.target.stage)) {
    return true;
  }
  if (view.report == nullptr) {
    return view.is_present && view.target.touched;  // not heard since the coordinator started
  }
  // What an earlier rollout left under way counts as well.
  return is_activating(view.report->phase) || view.report->is_unconfirmed ||
         (view.target.touched && !view.report->is_healthy);
}

}  // namespace murder::control
