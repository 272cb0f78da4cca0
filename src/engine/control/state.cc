#include "engine/control/state.h"

#include <algorithm>

#include "engine/base/ensure.h"
#include "engine/control/bounds.h"

namespace murder::control {
namespace {

template <typename Matches>
const Release* last_release(const App& app, Matches&& matches) {
  const auto found = std::find_if(app.releases.rbegin(), app.releases.rend(), matches);
  return found == app.releases.rend() ? nullptr : &*found;
}

bool contains(const std::vector<std::string>& list, std::string_view text) {
  return std::find(list.begin(), list.end(), text) != list.end();
}

void ensure_consistent(const State& state, const App& app, const Rollout& rollout) {
  ENSURE(find_release(app, rollout.release) != nullptr);
  ENSURE(rollout.wave < rollout.plan.waves.size());
  ENSURE(rollout.number <= state.sequence);
  for (size_t index = 0; index < rollout.targets.size(); ++index) {
    const Target& target = rollout.targets[index];
    ENSURE(index == 0 || rollout.targets[index - 1].agent < target.agent);
    ENSURE(!state.agent(target.agent).forgotten);
    ENSURE(target.attempt >= rollout.number && target.attempt <= state.sequence);
    ENSURE(is_sound(app, target));
  }
  for (const ForgottenTarget& host : rollout.forgotten) {
    ENSURE(state.agent(host.agent).forgotten);
    ENSURE(host.before == no_release || find_release(app, host.before) != nullptr);
  }
  ENSURE(rollout.earlier.size() <= limits::control_earlier_max);
  for (const ReleaseNumber number : rollout.earlier) {
    ENSURE(find_release(app, number) != nullptr);
  }
}

}  // namespace

std::optional<AgentIndex> State::find_agent(std::string_view name) const {
  const auto found = agent_by_name.find(name);
  return found == agent_by_name.end() ? std::nullopt : std::optional(found->second);
}

const Agent& State::agent(AgentIndex index) const {
  ENSURE(index.raw < agents.size());
  return agents[index.raw];
}

const App* State::find_app(std::string_view name) const {
  const auto found = apps.find(name);
  return found == apps.end() ? nullptr : &found->second;
}

const Release* find_release(const App& app, ReleaseNumber number) {
  const auto found = std::lower_bound(
      app.releases.begin(), app.releases.end(), number,
      [](const Release& release, ReleaseNumber sought) { return release.number < sought; });
  return found == app.releases.end() || found->number != number ? nullptr : &*found;
}

const Release* find_release(const App& app, std::string_view tag) {
  return last_release(app, [&](const Release& release) { return release.tag == tag; });
}

const Release* find_release(const App& app, const InfoHash& info_hash) {
  return last_release(app, [&](const Release& release) { return release.info_hash == info_hash; });
}

const Target* find_target(const Rollout& rollout, AgentIndex agent) {
  const auto found = std::lower_bound(
      rollout.targets.begin(), rollout.targets.end(), agent,
      [](const Target& target, AgentIndex sought) { return target.agent < sought; });
  return found == rollout.targets.end() || found->agent != agent ? nullptr : &*found;
}

bool is_news(const Target& target, uint64_t attempt, OutcomeKind outcome) {
  return attempt == target.attempt && (target.proven_attempt != attempt || outcome > target.proven);
}

bool goes_forward(RolloutState state) {
  return state <= RolloutState::aborted;
}

bool goes_back(RolloutState state) {
  return state == RolloutState::undoing || state == RolloutState::undone;
}

bool is_over(RolloutState state) {
  return state == RolloutState::done || state == RolloutState::aborted ||
         state == RolloutState::undone;
}

bool may_follow(RolloutState from, RolloutState to) {
  using enum RolloutState;
  switch (to) {
    case running:
      return from == paused || from == held;
    case paused:
      return from == running;
    case held:
      return from == running || from == paused || from == done;
    case done:
      return from == running;
    case aborting:
      return from == running || from == paused || from == held;
    case aborted:
      return from == aborting;
    case undoing:
      return goes_forward(from);
    case undone:
      return from == undoing;
  }
  return false;
}

bool may_follow(Stage from, Stage to) {
  using enum Stage;
  switch (to) {
    case waiting:
      return from == told || from == healthy || from == failed;
    case told:
      return from == waiting;
    case healthy:
    case failed:
      return from <= failed && from != to;
    case back_told:
    case back_done:
    case back_failed:
      return from != to;  // of a host that was touched
  }
  return false;
}

bool is_in_flight(Stage stage) {
  return stage == Stage::told || stage == Stage::back_told;
}

std::vector<ReleaseNumber> releases_left_by_rollout(const App& app) {
  std::vector<ReleaseNumber> left;
  const auto add = [&](ReleaseNumber number) {
    if (left.size() < limits::control_earlier_max && find_release(app, number) != nullptr &&
        std::find(left.begin(), left.end(), number) == left.end()) {
      left.push_back(number);
    }
  };
  if (!app.rollout) {
    return left;
  }
  const Rollout& last = *app.rollout;
  if (goes_forward(last.state)) {
    add(last.release);
  }
  for (const Target& target : last.targets) {
    if (target.stage != Stage::healthy) {
      add(target.before);
    }
  }
  if (last.state != RolloutState::done) {
    std::for_each(last.earlier.begin(), last.earlier.end(), add);
  }
  return left;
}

bool needs(const Rollout& rollout, ReleaseNumber release) {
  const auto returns_to = [&](const auto& host) { return host.before == release; };
  return rollout.release == release ||
         std::any_of(rollout.targets.begin(), rollout.targets.end(), returns_to) ||
         std::any_of(rollout.forgotten.begin(), rollout.forgotten.end(), returns_to) ||
         std::find(rollout.earlier.begin(), rollout.earlier.end(), release) !=
             rollout.earlier.end();
}

bool takes(const Agent& agent, std::string_view app, const Plan& plan) {
  return !agent.forgotten && contains(agent.apps, app) &&
         (plan.groups.empty() ||
          std::any_of(plan.groups.begin(), plan.groups.end(),
                      [&](const std::string& group) { return contains(agent.groups, group); }));
}

bool is_sound(const App& app, const Target& target) {
  const bool is_failure = target.stage == Stage::failed || target.stage == Stage::back_failed;
  const bool is_back = target.stage >= Stage::back_told;
  const bool needs_before = target.stage == Stage::back_told || target.stage == Stage::back_done;
  const bool has_before = find_release(app, target.before) != nullptr;
  return (target.reason != Reason::none) == is_failure &&
         (target.touched || (!is_in_flight(target.stage) && target.before == no_release)) &&
         (!is_back || (target.touched && app.rollout && goes_back(app.rollout->state))) &&
         (has_before || (target.before == no_release && !needs_before)) &&
         target.tells <= limits::control_tells_max &&
         target.text.size() <= limits::control_text_bytes_max;
}

void ensure_consistent(const State& state) {
  ENSURE(state.agents.size() == state.agent_by_name.size());
  ENSURE(state.loading_left == 0);
  for (const Agent& agent : state.agents) {
    ENSURE(state.racks.at(agent.rack_number) == agent.rack);
  }
  for (const auto& [name, app] : state.apps) {
    ENSURE(app.name == name);
    ENSURE(app.releases.empty() || app.releases.back().number.raw <= app.releases_published);
    if (app.rollout) {
      ensure_consistent(state, app, *app.rollout);
    }
  }
}

}  // namespace murder::control
