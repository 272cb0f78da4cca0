#include "engine/sim/control/checks.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "engine/base/ensure.h"

namespace murder::control_sim {

using control::RolloutState;
using control::Stage;

namespace {

double hosts_of(const control::Share& share, size_t count) {
  return share.is_percent ? static_cast<double>(count) * share.number / 100.0
                          : static_cast<double>(share.number);
}

uint32_t count_of(const FollowedRollout& rollout, Stage stage) {
  return static_cast<uint32_t>(
      std::count_if(rollout.stages.begin(), rollout.stages.end(),
                    [&](const auto& each) { return each.second == stage; }));
}

// Told in this rollout, or found to run the release.
uint32_t tried_of(const FollowedRollout& rollout) {
  return static_cast<uint32_t>(
      std::count_if(rollout.stages.begin(), rollout.stages.end(), [&](const auto& each) {
        return each.second == Stage::healthy || rollout.touched.contains(each.first);
      }));
}

bool reaches_failures(const FollowedRollout& rollout) {
  const uint32_t failed = count_of(rollout, Stage::failed);
  return failed > 0 && failed + 1e-9 >= hosts_of(rollout.plan.max_fail, rollout.stages.size());
}

uint32_t most_down(const control::Share& share, size_t count) {
  return static_cast<uint32_t>(std::max(1.0, std::floor(hosts_of(share, count) + 1e-9)));
}

uint32_t wave_size(const FollowedRollout& rollout) {
  const double hosts = hosts_of(rollout.plan.waves[rollout.wave], rollout.stages.size());
  return static_cast<uint32_t>(std::max(1.0, std::floor(hosts + 1e-9)));
}

}  // namespace

void Checks::note(std::string text) {
  if (fault_.empty()) {
    fault_ = std::move(text);
  }
}

const FollowedRollout* Checks::rollout(const std::string& app) const {
  const auto found = rollouts_.find(app);
  return found == rollouts_.end() ? nullptr : &found->second;
}

bool Checks::belongs(const std::string& host, const std::string& app,
                     const control::Plan& plan) const {
  const Agent& agent = agents_.at(host);
  const auto has = [](const std::vector<std::string>& list, const std::string& name) {
    return std::find(list.begin(), list.end(), name) != list.end();
  };
  return has(agent.apps, app) &&
         (plan.groups.empty() ||
          std::any_of(plan.groups.begin(), plan.groups.end(),
                      [&](const auto& group) { return has(agent.groups, group); }));
}

void Checks::follow(const control::Record& record, Instant now, int64_t wall_s) {
  ++record_count_;
  const auto& what = record.what;
  if (const auto* seen = std::get_if<control::AgentSeen>(&what)) {
    follow_agent(*seen);
  } else if (const auto* gone = std::get_if<control::AgentForgotten>(&what)) {
    agents_.erase(gone->host);
    for (auto& [app, rollout] : rollouts_) {
      rollout.stages.erase(gone->host);
      rollout.touched.erase(gone->host);
    }
  } else if (const auto* published = std::get_if<control::ReleasePublished>(&what)) {
    for (const auto& [number, other] : releases_[published->app]) {
      if (other.tag == published->tag) {
        note(fmt::format("{} {} is published twice", published->app, published->tag));
      }
    }
    releases_[published->app][published->number.raw] = {.tag = published->tag,
                                                        .info_hash = published->info_hash};
  } else if (const auto* revoked = std::get_if<control::ReleaseRevoked>(&what)) {
    releases_[revoked->app][revoked->number.raw].revoked = true;
  } else if (const auto* rollout = std::get_if<control::RolloutStarted>(&what)) {
    follow_rollout(*rollout, now);
  } else if (const auto* told = std::get_if<control::Told>(&what)) {
    follow_told(*told, now, wall_s);
  } else if (const auto* outcome = std::get_if<control::Outcome>(&what)) {
    follow_outcome(*outcome, now);
  } else if (const auto* wave = std::get_if<control::WaveBegun>(&what)) {
    follow_wave(*wave, now);
  } else if (const auto* state = std::get_if<control::StateChanged>(&what)) {
    follow_state(*state, record.by, now);
  }
}

void Checks::follow_agent(const control::AgentSeen& what) {
  agents_[what.host] = {.groups = what.groups, .apps = what.apps};
  for (auto& [app, rollout] : rollouts_) {
    if (belongs(what.host, app, rollout.plan)) {
      rollout.stages.emplace(what.host, Stage::waiting);
    }
  }
}

void Checks::follow_rollout(const control::RolloutStarted& what, Instant now) {
  const FollowedRollout* last = rollout(what.app);
  if (last != nullptr &&
      (last->state == RolloutState::running || last->state == RolloutState::paused ||
       last->state == RolloutState::held || last->state == RolloutState::aborting ||
       last->state == RolloutState::undoing || count_of(*last, Stage::told) > 0)) {
    note(fmt::format("two rollouts of {} at once", what.app));
  }
  if (releases_[what.app][what.release.raw].revoked) {
    note(fmt::format("a rollout of {} begins with a revoked release", what.app));
  }
  FollowedRollout begun{.plan = what.plan,
                        .release = what.release,
                        .quiet_since = now,
                        .number = last == nullptr ? 1 : last->number + 1};
  for (const auto& [host, agent] : agents_) {
    if (belongs(host, what.app, what.plan)) {
      begun.stages.emplace(host, Stage::waiting);
    }
  }
  rollouts_[what.app] = std::move(begun);
}

void Checks::follow_told(const control::Told& what, Instant now, int64_t wall_s) {
  FollowedRollout& rollout = rollouts_[what.app];
  if (!rollout.stages.contains(what.host)) {
    note(fmt::format("{} is told to activate {}, which it is not for", what.host, what.app));
    return;
  }
  const bool forward =
      rollout.state == RolloutState::running || rollout.state == RolloutState::done;
  const bool back = rollout.state == RolloutState::undoing || rollout.state == RolloutState::undone;
  if (what.back ? !back : !forward) {
    note(fmt::format("{} is told to activate {}, whose rollout is {}", what.host, what.app,
                     name_of(rollout.state)));
  }
  if (what.back && !rollout.touched.contains(what.host)) {
    note(fmt::format("{} is told to return, and never went", what.host));
  }
  const bool is_new = rollout.touched.insert(what.host).second;
  rollout.stages[what.host] = what.back ? Stage::back_told : Stage::told;
  rollout.quiet_since = now;
  if (!what.back) {
    if (reaches_failures(rollout)) {
      note(fmt::format("{} is told to activate {} with {} hosts failed of at most {}", what.host,
                       what.app, count_of(rollout, Stage::failed), rollout.plan.max_fail.text()));
    }
    // The wave shrinks when hosts are forgotten; what was tried then is tried again.
    if (is_new && tried_of(rollout) > wave_size(rollout)) {
      note(fmt::format("{} hosts are activated in wave {} of {}", tried_of(rollout),
                       rollout.wave + 1, wave_size(rollout)));
    }
    if (wall_s < rollout.plan.begin_wall_s) {
      note(fmt::format("{} is told to activate {} before its time", what.host, what.app));
    }
    if (releases_[what.app][rollout.release.raw].revoked) {
      note(fmt::format("{} is told to activate what is revoked", what.host));
    }
  }
}

void Checks::follow_outcome(const control::Outcome& what, Instant now) {
  FollowedRollout& rollout = rollouts_[what.app];
  rollout.quiet_since = now;
  rollout.stages[what.host] = what.stage;
}

void Checks::follow_wave(const control::WaveBegun& what, Instant now) {
  FollowedRollout& rollout = rollouts_[what.app];
  if (rollout.state != RolloutState::running || reaches_failures(rollout)) {
    note(fmt::format("wave {} of {} begins past failures, or while it is {}", what.wave + 1,
                     what.app, name_of(rollout.state)));
  }
  if (tried_of(rollout) < std::min<size_t>(wave_size(rollout), rollout.stages.size()) ||
      count_of(rollout, Stage::told) > 0) {
    note(fmt::format("wave {} of {} begins before the one before is through", what.wave + 1,
                     what.app));
  }
  if (now - rollout.quiet_since < rollout.plan.bake) {
    note(fmt::format("wave {} of {} begins before the one before has baked", what.wave + 1,
                     what.app));
  }
  rollout.wave = what.wave;
  rollout.quiet_since = now;
}

void Checks::follow_state(const control::StateChanged& what, const std::string& by, Instant now) {
  FollowedRollout& rollout = rollouts_[what.app];
  const bool is_second_chance =
      rollout.state == RolloutState::held && what.state == RolloutState::running;
  if (is_second_chance && by.empty()) {
    note(fmt::format("the rollout of {} is resumed by nobody", what.app));
  }
  if (what.state == RolloutState::done &&
      (count_of(rollout, Stage::told) > 0 || reaches_failures(rollout) ||
       now - rollout.quiet_since < rollout.plan.bake)) {
    note(fmt::format("the rollout of {} is done before it is", what.app));
  }
  if (what.state == RolloutState::undone &&
      (count_of(rollout, Stage::told) > 0 || count_of(rollout, Stage::back_told) > 0)) {
    note(fmt::format("the rollout of {} is undone before it is", what.app));
  }
  for (auto& [host, stage] : rollout.stages) {
    stage = is_second_chance && stage == Stage::failed ? Stage::waiting : stage;
  }
  rollout.state = what.state;
}

void Checks::see_activation(const std::string& app, const std::string& host, uint32_t down,
                            uint32_t down_in_rack, uint32_t hosts_in_rack) {
  const FollowedRollout* of = rollout(app);
  ENSURE(of != nullptr);
  const uint32_t most = most_down(of->plan.max_unavailable, of->stages.size());
  if (down > most) {
    note(fmt::format("{} activates {}: {} hosts are down by the rollout's doing, {} may be", host,
                     app, down, most));
  }
  const uint32_t most_in_rack = most_down(of->plan.rack_max_unavailable, hosts_in_rack);
  if (down_in_rack > most_in_rack) {
    note(
        fmt::format("{} activates {}: {} hosts of its rack are down by the rollout's doing, {} "
                    "may be",
                    host, app, down_in_rack, most_in_rack));
  }
}

}  // namespace murder::control_sim
