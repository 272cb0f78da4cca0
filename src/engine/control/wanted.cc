#include "engine/control/wanted.h"

#include "engine/base/ensure.h"
#include "engine/control/bounds.h"

namespace murder::control {
namespace {

std::vector<InfoHash> latest_revoked(const App& app) {
  std::vector<InfoHash> revoked;
  for (auto release = app.releases.rbegin();
       release != app.releases.rend() && revoked.size() < limits::control_revoked_told_max;
       ++release) {
    if (release->revoked) {
      revoked.push_back(release->info_hash);
    }
  }
  return revoked;
}

void want(WantedApp& wanted, const Release& release, const Target& target) {
  wanted.release = release.info_hash;
  wanted.serial = release.serial;
  wanted.attempt = target.attempt;
  wanted.activate = is_in_flight(target.stage) && !release.revoked;
}

}  // namespace

std::vector<WantedApp> wanted_apps(const State& state, AgentIndex agent) {
  std::vector<WantedApp> all;
  for (const std::string& name : state.agent(agent).apps) {
    const App* app = state.find_app(name);
    if (app == nullptr) {
      continue;
    }
    WantedApp& wanted = all.emplace_back();
    wanted.app = name;
    wanted.revoked = latest_revoked(*app);
    const Target* target = app->rollout ? find_target(*app->rollout, agent) : nullptr;
    if (target == nullptr) {
      continue;
    }
    const Rollout& rollout = *app->rollout;
    wanted.min_healthy = rollout.plan.min_healthy;
    wanted.healthy_deadline = rollout.plan.healthy_deadline;
    if (goes_back(rollout.state)) {
      const Release* before = find_release(*app, target->before);
      if (target->touched && before != nullptr) {
        want(wanted, *before, *target);
        wanted.allow_older = true;
        wanted.confirmed = target->stage == Stage::back_done;
      }
      continue;
    }
    const bool is_stopping =
        rollout.state == RolloutState::aborting || rollout.state == RolloutState::aborted;
    if (target->stage == Stage::waiting && is_stopping) {
      continue;
    }
    const Release* release = find_release(*app, rollout.release);
    ENSURE(release != nullptr);
    want(wanted, *release, *target);
    wanted.allow_older = rollout.plan.allow_older;
    wanted.confirm_within = rollout.plan.confirm_within;
    wanted.confirmed = target->stage == Stage::healthy;
  }
  return all;
}

}  // namespace murder::control
