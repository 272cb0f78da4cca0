#include "engine/control/snapshot.h"

#include <utility>

#include "engine/base/ensure.h"

namespace murder::control {
namespace {

void add_agents(const State& state, std::vector<Record>& records) {
  for (const Agent& agent : state.agents) {
    records.push_back({.what = AgentSeen{.host = agent.name,
                                         .identity = agent.identity,
                                         .rack = agent.rack,
                                         .groups = agent.groups,
                                         .apps = agent.apps}});
    if (agent.forgotten) {
      records.push_back({.what = AgentForgotten{.host = agent.name}});
    }
  }
}

void add_releases(const App& app, std::vector<Record>& records) {
  for (const Release& release : app.releases) {
    records.push_back({.wall_s = release.published_wall_s,
                       .by = release.by,
                       .what = ReleasePublished{.app = app.name,
                                                .tag = release.tag,
                                                .number = release.number,
                                                .info_hash = release.info_hash,
                                                .serial = release.serial}});
  }
  for (const Release& release : app.releases) {
    if (release.revoked) {
      records.push_back(
          {.wall_s = release.revoked_wall_s,
           .by = release.revoked_by,
           .what = ReleaseRevoked{
               .app = app.name, .number = release.number, .why = release.revoked_why}});
    }
  }
}

void add_orders(const App& app, std::vector<Record>& records) {
  for (const Order& order : app.orders) {
    records.push_back({.what = OrderGiven{.app = app.name,
                                          .use = order.use,
                                          .release = order.release,
                                          .serial = order.serial,
                                          .text = order.text}});
  }
}

// As a rollout that has just started has it, if it has it at all.
bool is_fresh(const State& state, const App& app, const Target& target) {
  const Rollout& rollout = *app.rollout;
  return target.stage == Stage::waiting && !target.touched && target.tells == 0 &&
         target.attempt == rollout.number && target.text.empty() &&
         takes(state.agent(target.agent), app.name, rollout.plan);
}

void add_rollout(const State& state, const App& app, std::vector<Record>& records) {
  const Rollout& rollout = *app.rollout;
  records.push_back({.wall_s = rollout.started_wall_s,
                     .by = rollout.by,
                     .what = RolloutStarted{.app = app.name,
                                            .release = rollout.release,
                                            .number = rollout.number,
                                            .plan = rollout.plan,
                                            .earlier = rollout.earlier}});
  if (rollout.wave > 0) {
    records.push_back({.what = WaveBegun{.app = app.name, .wave = rollout.wave}});
  }
  records.push_back(
      {.what = StateChanged{.app = app.name, .state = rollout.state, .why = rollout.why}});
  for (const Target& target : rollout.targets) {
    if (!is_fresh(state, app, target)) {
      records.push_back({.what = TargetKept{.app = app.name,
                                            .host = state.agent(target.agent).name,
                                            .stage = target.stage,
                                            .reason = target.reason,
                                            .attempt = target.attempt,
                                            .tells = target.tells,
                                            .touched = target.touched,
                                            .before = target.before,
                                            .text = target.text}});
    }
    if (target.proven_attempt != 0 && target.proven_attempt == target.attempt) {
      records.push_back({.what = OutcomeProven{.app = app.name,
                                               .host = state.agent(target.agent).name,
                                               .attempt = target.proven_attempt,
                                               .outcome = target.proven,
                                               .text = {}}});
    }
  }
  for (const ForgottenTarget& host : rollout.forgotten) {
    records.push_back({.what = TargetKept{.app = app.name,
                                          .host = state.agent(host.agent).name,
                                          .attempt = rollout.number,
                                          .touched = true,
                                          .before = host.before}});
  }
}

}  // namespace

std::vector<Record> snapshot_of(const State& state) {
  ENSURE(state.loading_left == 0 && state.sequence > 0);
  std::vector<Record> records(1);
  add_agents(state, records);
  for (const auto& [name, app] : state.apps) {
    add_releases(app, records);
    add_orders(app, records);
    if (app.rollout) {
      add_rollout(state, app, records);
    }
  }
  records.front().what = SnapshotBegun{.origin = state.origin,
                                       .term = state.term,
                                       .sequence = state.sequence,
                                       .record_count = records.size() - 1};
  return records;
}

std::string text_of(const State& state) {
  std::string text;
  for (const Record& record : snapshot_of(state)) {
    text += text_of(record);
    text += '\n';
  }
  return text;
}

}  // namespace murder::control
