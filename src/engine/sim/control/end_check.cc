// When all is calm again: every host that lives runs what is wanted, or is named with the reason.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "engine/base/ensure.h"
#include "engine/sim/control/world.h"

namespace murder::control_sim {

using control::RolloutState;

namespace {

constexpr Duration still_moving = std::chrono::minutes(7);

}  // namespace

void World::check_end() {
  if (!coordinator_) {
    checks_.note("no coordinator runs at the end");
    return;
  }
  // Ten for each host and command, and what liars may cause.
  const uint64_t records_max =
      200 + 60 * uint64_t{options_.host_count} * (options_.command_count + 4);
  if (checks_.record_count() > records_max) {
    checks_.note(fmt::format("{} records for {} hosts: it never ends", checks_.record_count(),
                             options_.host_count));
  }
  for (uint32_t index = 0; index < options_.app_count; ++index) {
    const control::App* app = coordinator_->state().find_app(app_name(index));
    if (app != nullptr && app->rollout) {
      check_end_of(*app, index);
    }
  }
}

void World::check_end_of(const control::App& app, uint32_t index) {
  const control::Rollout& rollout = *app.rollout;
  std::map<uint32_t, std::string> named;
  for (const control::Unsettled& each : coordinator_->unsettled(app.name, now_)) {
    named.emplace(each.agent.raw, each.why);
    if (each.why.empty()) {
      checks_.note("a host is named without a reason");
    }
  }
  const bool is_still_moving = now_ - last_record_at_ < still_moving;
  if (rollout.state == RolloutState::aborting && !is_still_moving) {
    checks_.note(fmt::format("the abort of {} does not end", app.name));
  }
  for (const control::Target& target : rollout.targets) {
    const Host* host = find_host(coordinator_->state().agent(target.agent).name);
    // A liar may have taken a name before its owner came; the owner is refused until somebody has
    // it forgotten.
    if (host == nullptr || !host->is_honest() || !host->runs() ||
        coordinator_->state().agent(target.agent).identity != identity_of(host->index())) {
      continue;
    }
    const auto why = named.find(target.agent.raw);
    check_host(app, target, *host, index, why == named.end() ? nullptr : &why->second);
    const bool waits =
        why != named.end() && target.reason == control::Reason::none &&
        target.stage != control::Stage::healthy && target.stage != control::Stage::back_done &&
        why->second != "ready; as many hosts are down as may be" &&
        !(target.stage == control::Stage::waiting && rollout.plan.quorum.number > 0) &&
        moment().wall_s > rollout.plan.begin_wall_s && rollout.state != RolloutState::paused &&
        rollout.state != RolloutState::held && rollout.state != RolloutState::aborted;
    if (waits && !is_still_moving) {
      checks_.note(fmt::format("{} is {} in the rollout of {}, which is {}, for ever: {}",
                               host->name(), name_of(target.stage), app.name,
                               name_of(rollout.state), why->second));
    }
  }
}

void World::check_host(const control::App& app, const control::Target& target, const Host& host,
                       uint32_t index, const std::string* why) {
  const TrueApp& real = host.apps[index];
  const control::Rollout& rollout = *app.rollout;
  const control::Release* release = find_release(app, rollout.release);
  ENSURE(release != nullptr);
  const bool back = goes_back(rollout.state);
  const std::optional<InfoHash> wanted =
      back ? real.before_first_told : std::optional(release->info_hash);
  if (why != nullptr || (back && !target.touched) || !host.is_well(index)) {
    if (why == nullptr && (!back || target.touched)) {
      checks_.note(fmt::format("{} is not well with {}, and is not named", host.name(), app.name));
    }
    return;
  }
  if (real.current != wanted) {
    const TrueRelease* runs = real.current ? releases_.find(*real.current) : nullptr;
    checks_.note(fmt::format("{} runs {} {} when the rollout of {} is {}, and is not named",
                             host.name(), app.name, runs == nullptr ? "nothing" : runs->tag,
                             release->tag, name_of(rollout.state)));
  }
}

}  // namespace murder::control_sim
