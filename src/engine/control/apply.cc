#include "engine/control/apply.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/base/ensure.h"
#include "engine/base/rack.h"
#include "engine/base/tag.h"
#include "engine/control/bounds.h"
#include "engine/control/names.h"
#include "engine/control/orders.h"

namespace murder::control {
namespace {

Status refuse(std::string text) {
  return fail(ErrorCode::invalid_input, std::move(text));
}

// Before it was forgotten.
bool was_told(const Rollout& rollout, AgentIndex agent) {
  return std::any_of(rollout.forgotten.begin(), rollout.forgotten.end(),
                     [&](const ForgottenTarget& host) { return host.agent == agent; });
}

struct Applying {
  State& state;
  const Record& record;
  Instant now;

  Status operator()(const Started& what);
  Status operator()(const AgentSeen& what);
  Status operator()(const AgentForgotten& what);
  Status operator()(const ReleasePublished& what);
  Status operator()(const ReleaseRevoked& what);
  Status operator()(const OrderGiven& what);
  Status operator()(const OutcomeProven& what);
  Status operator()(const AgentApproved& what);
  Status operator()(const RolloutStarted& what);
  Status operator()(const WaveBegun& what);
  Status operator()(const Told& what);
  Status operator()(const Outcome& what);
  Status operator()(const StateChanged& what);
  Status operator()(const SnapshotBegun& what);
  Status operator()(const TargetKept& what);

  [[nodiscard]] bool is_loading() const { return state.loading_left > 0; }
  // The number of this record; those of a snapshot have none.
  [[nodiscard]] uint64_t number() const { return state.sequence + (is_loading() ? 0 : 1); }
  App* app(const std::string& name) {
    const auto found = state.apps.find(name);
    return found == state.apps.end() ? nullptr : &found->second;
  }
  Rollout* rollout(const std::string& name) {
    App* found = app(name);
    return found == nullptr || !found->rollout ? nullptr : &*found->rollout;
  }
  Target* target(Rollout& rollout, const std::string& host) {
    const std::optional<AgentIndex> agent = state.find_agent(host);
    return agent ? const_cast<Target*>(find_target(rollout, *agent)) : nullptr;
  }
  Target& add_target(Rollout& rollout, AgentIndex agent);
  void join_rollouts(AgentIndex agent);
  void drop_oldest_release(App& app);
};

Status Applying::operator()(const Started& what) {
  if (what.term != state.term + 1 || what.term > limits::control_starts_max || what.origin == 0 ||
      (state.origin != 0 && state.origin != what.origin)) {
    return refuse("a start out of order, or of another coordinator's state");
  }
  state.origin = what.origin;
  state.term = what.term;
  return {};
}

Status Applying::operator()(const AgentSeen& what) {
  if (what.groups.size() > limits::control_list_max ||
      what.apps.size() > limits::control_list_max) {
    return refuse(
        fmt::format("{}: at most {} groups and apps", what.host, limits::control_list_max));
  }
  Status valid = validate_host(what.host);
  valid = valid ? validate_who(what.identity, "identity") : valid;
  valid = valid && !what.rack.empty() ? validate_rack_name(what.rack) : valid;
  for (const auto* list : {&what.groups, &what.apps}) {
    for (const std::string& name : *list) {
      valid = valid ? validate_name(name, list == &what.apps ? "app" : "group") : valid;
    }
  }
  if (!valid) {
    return valid;
  }
  const std::optional<AgentIndex> known = state.find_agent(what.host);
  if (known && !state.agent(*known).forgotten && state.agent(*known).identity != what.identity) {
    return refuse(fmt::format("{} is another agent's name", what.host));
  }
  if (!known && state.agents.size() == limits::control_agents_max) {
    return fail(ErrorCode::limit,
                fmt::format("{} agents are the most", limits::control_agents_max));
  }
  const AgentIndex index = known.value_or(AgentIndex{static_cast<uint32_t>(state.agents.size())});
  if (!known) {
    state.agents.emplace_back();
    state.agent_by_name.emplace(what.host, index);
  }
  if (!known || state.agent(index).forgotten) {
    ++state.names_of_identity[what.identity];
  }
  const auto rack = std::find(state.racks.begin(), state.racks.end(), what.rack);
  const auto rack_number = static_cast<uint32_t>(rack - state.racks.begin());
  if (rack == state.racks.end()) {
    state.racks.push_back(what.rack);
  }
  state.agents[index.raw] = {.name = what.host,
                             .identity = what.identity,
                             .rack = what.rack,
                             .groups = what.groups,
                             .apps = what.apps,
                             .rack_number = rack_number};
  join_rollouts(index);
  return {};
}

// An agent that fits a rollout's groups belongs to it, whenever it comes; one that leaves them
// stays: it may have been told already.
void Applying::join_rollouts(AgentIndex agent) {
  for (auto& [name, app] : state.apps) {
    if (!app.rollout || find_target(*app.rollout, agent) != nullptr) {
      continue;
    }
    if (takes(state.agent(agent), name, app.rollout->plan) || was_told(*app.rollout, agent)) {
      add_target(*app.rollout, agent);
    }
  }
}

Target& Applying::add_target(Rollout& rollout, AgentIndex agent) {
  const auto place = std::lower_bound(
      rollout.targets.begin(), rollout.targets.end(), agent,
      [](const Target& target, AgentIndex sought) { return target.agent < sought; });
  ENSURE(place == rollout.targets.end() || place->agent != agent);
  const uint64_t attempt = is_loading() ? rollout.number : number();
  Target target{.agent = agent, .attempt = attempt, .since = now};
  const auto known = std::find_if(rollout.forgotten.begin(), rollout.forgotten.end(),
                                  [&](const ForgottenTarget& host) { return host.agent == agent; });
  if (known != rollout.forgotten.end()) {
    target.touched = true;
    target.before = known->before;
    rollout.forgotten.erase(known);
  }
  return *rollout.targets.insert(place, std::move(target));
}

Status Applying::operator()(const AgentForgotten& what) {
  const std::optional<AgentIndex> index = state.find_agent(what.host);
  if (!index || state.agent(*index).forgotten) {
    return fail(ErrorCode::not_found, fmt::format("no agent is named {}", what.host));
  }
  state.agents[index->raw].forgotten = true;
  const auto names = state.names_of_identity.find(state.agent(*index).identity);
  ENSURE(names != state.names_of_identity.end() && names->second > 0);
  if (--names->second == 0) {
    state.names_of_identity.erase(names);
  }
  for (auto& [name, app] : state.apps) {
    const Target* target = app.rollout ? find_target(*app.rollout, *index) : nullptr;
    if (target == nullptr) {
      continue;
    }
    if (target->touched) {  // it runs what it was told to, wherever it is
      app.rollout->forgotten.push_back({.agent = *index, .before = target->before});
    }
    std::erase_if(app.rollout->targets, [&](const Target& each) { return each.agent == *index; });
  }
  return {};
}

// For who reads the log: whether the agent came is another record.
Status Applying::operator()(const AgentApproved& what) {
  if (is_loading()) {
    return refuse("an approval in a snapshot");
  }
  return validate_host(what.host);
}

Status Applying::operator()(const ReleasePublished& what) {
  const App* known = app(what.app);
  const uint32_t last = known == nullptr ? 0 : known->releases_published;
  if (what.number.raw <= last || what.number.raw == UINT32_MAX) {
    return refuse(fmt::format("release {} of {} after {}", what.number.raw, what.app, last));
  }
  Status valid = validate_name(what.app, "app");
  valid = valid ? validate_tag(what.tag) : valid;
  if (!valid) {
    return valid;
  }
  if (known != nullptr && find_release(*known, std::string_view(what.tag)) != nullptr) {
    return fail(ErrorCode::exists, fmt::format("{} {} is published already", what.app, what.tag));
  }
  if (known == nullptr && state.apps.size() == limits::control_apps_max) {
    return fail(ErrorCode::limit, fmt::format("{} apps are the most", limits::control_apps_max));
  }
  App& changed = state.apps[what.app];
  changed.name = what.app;
  if (changed.releases.size() == limits::control_releases_max) {
    drop_oldest_release(changed);
  }
  changed.releases_published = what.number.raw;
  changed.releases.push_back({.number = what.number,
                              .tag = what.tag,
                              .info_hash = what.info_hash,
                              .serial = what.serial,
                              .by = record.by,
                              .published_wall_s = record.wall_s});
  return {};
}

// The oldest that no rollout needs; of those that were revoked only if all others are needed.
void Applying::drop_oldest_release(App& app) {
  const auto is_needed = [&](const Release& release) {
    return app.rollout && needs(*app.rollout, release.number);
  };
  auto oldest = std::find_if(app.releases.begin(), app.releases.end(), [&](const Release& release) {
    return !release.revoked && !is_needed(release);
  });
  if (oldest == app.releases.end()) {
    oldest = std::find_if(app.releases.begin(), app.releases.end(),
                          [&](const Release& release) { return !is_needed(release); });
  }
  if (oldest != app.releases.end()) {
    forget_orders_of(app, oldest->number);
    app.releases.erase(oldest);
  }
}

Status Applying::operator()(const ReleaseRevoked& what) {
  App* found = app(what.app);
  const Release* release = found == nullptr ? nullptr : find_release(*found, what.number);
  if (release == nullptr) {
    return fail(ErrorCode::not_found,
                fmt::format("{} has no release {}", what.app, what.number.raw));
  }
  if (what.why.size() > limits::control_text_bytes_max) {
    return refuse("a reason that is too long");
  }
  const InfoHash info_hash = release->info_hash;
  for (Release& each : found->releases) {  // the same bytes under another tag as well
    if (!each.revoked && each.info_hash == info_hash) {
      each.revoked = true;
      each.revoked_by = record.by;
      each.revoked_why = what.why;
      each.revoked_wall_s = record.wall_s;
    }
  }
  return {};
}

Status Applying::operator()(const OrderGiven& what) {
  App* found = app(what.app);
  if (found == nullptr || find_release(*found, what.release) == nullptr) {
    return fail(ErrorCode::not_found,
                fmt::format("{} has no release {}", what.app, what.release.raw));
  }
  if (what.serial <= last_order_serial(*found) || !is_signed_text(what.text.text)) {
    return refuse(fmt::format("an order about {} out of order, or that is not signed", what.app));
  }
  keep_order(*found, {.use = what.use,
                      .release = what.release,
                      .serial = what.serial,
                      .text = what.text,
                      .number = number()});
  return {};
}

Status Applying::operator()(const RolloutStarted& what) {
  App* found = app(what.app);
  if (found == nullptr || find_release(*found, what.release) == nullptr) {
    return fail(ErrorCode::not_found,
                fmt::format("{} has no release {}", what.app, what.release.raw));
  }
  if (found->rollout && !is_over(found->rollout->state)) {
    return fail(ErrorCode::conflict, fmt::format("a rollout of {} is not over", what.app));
  }
  if (Status valid = validate_plan(what.plan); !valid) {
    return valid;
  }
  if (is_loading() ? what.number == 0 || what.number > number() : what.number != number()) {
    return refuse(fmt::format("rollout {} in the place of {}", what.number, number()));
  }
  const bool has_all =
      std::all_of(what.earlier.begin(), what.earlier.end(),
                  [&](ReleaseNumber number) { return find_release(*found, number) != nullptr; });
  if (!has_all || what.earlier.size() > (is_loading() ? limits::control_earlier_max : 0)) {
    return refuse(fmt::format("a rollout of {} that names earlier releases", what.app));
  }
  std::vector<ReleaseNumber> earlier =
      is_loading() ? what.earlier : releases_left_by_rollout(*found);
  std::erase(earlier, what.release);
  Rollout& rollout = found->rollout.emplace();
  rollout.earlier = std::move(earlier);
  rollout.number = what.number;
  rollout.release = what.release;
  rollout.plan = what.plan;
  rollout.by = record.by;
  rollout.started_wall_s = record.wall_s;
  for (uint32_t index = 0; index < state.agents.size(); ++index) {
    if (takes(state.agents[index], what.app, what.plan)) {
      add_target(rollout, AgentIndex{index});
    }
  }
  return {};
}

Status Applying::operator()(const WaveBegun& what) {
  Rollout* found = rollout(what.app);
  if (found == nullptr || what.wave >= found->plan.waves.size() || what.wave <= found->wave) {
    return refuse(
        fmt::format("wave {} of {} is not one of the next", what.wave + uint64_t{1}, what.app));
  }
  found->wave = what.wave;
  found->settled_since = instant_never;
  return {};
}

Status Applying::operator()(const Told& what) {
  App* found = app(what.app);
  Rollout* changed = rollout(what.app);
  Target* told = changed == nullptr ? nullptr : target(*changed, what.host);
  const Stage stage = what.back ? Stage::back_told : Stage::told;
  if (told == nullptr || !may_follow(told->stage, stage) || (what.back && !told->touched) ||
      goes_back(changed->state) != what.back || told->tells == limits::control_tells_max) {
    return refuse(fmt::format("{} cannot be told to activate {} now", what.host, what.app));
  }
  const ReleaseNumber before = told->touched ? told->before : what.before;
  if ((before != no_release || what.back) && find_release(*found, before) == nullptr) {
    return refuse(fmt::format("{} has no release {} to return to", what.app, before.raw));
  }
  told->stage = stage;
  told->reason = Reason::none;
  told->text.clear();
  told->attempt = number();
  ++told->tells;
  told->touched = true;
  told->before = before;
  told->since = now;
  changed->settled_since = instant_never;
  return {};
}

Status Applying::operator()(const Outcome& what) {
  Rollout* changed = rollout(what.app);
  Target* of = changed == nullptr ? nullptr : target(*changed, what.host);
  Target after = of == nullptr ? Target{} : *of;
  after.stage = what.stage;
  after.reason = what.reason;
  after.text = what.text;
  after.since = now;
  if (of == nullptr || is_in_flight(what.stage) || !may_follow(of->stage, what.stage) ||
      !is_sound(*app(what.app), after)) {
    return refuse(fmt::format("the outcome {} of {} at {} does not fit", name_of(what.stage),
                              what.app, what.host));
  }
  if (what.stage == Stage::waiting) {
    if (of->tells == limits::control_tells_max) {
      return refuse(fmt::format("{} was told to activate {} too often", what.host, what.app));
    }
    after.attempt = number();  // what failed may be tried again
    // It drifted, which may go on for ever.
    after.tells += of->stage == Stage::healthy ? 1 : 0;
  }
  if (what.stage <= Stage::failed) {
    after.failed_reason = what.reason;
    after.failed_text = what.text;
  }
  *of = std::move(after);
  changed->settled_since = instant_never;
  return {};
}

Status Applying::operator()(const OutcomeProven& what) {
  Rollout* changed = rollout(what.app);
  Target* of = changed == nullptr ? nullptr : target(*changed, what.host);
  if (of == nullptr || !is_news(*of, what.attempt, what.outcome) ||
      what.text.text.empty() != is_loading()) {
    return refuse(fmt::format("a signed outcome of {} at {} does not fit", what.app, what.host));
  }
  of->proven_attempt = what.attempt;
  of->proven = what.outcome;
  return {};
}

Status Applying::operator()(const StateChanged& what) {
  Rollout* changed = rollout(what.app);
  if (changed == nullptr || (!is_loading() && !may_follow(changed->state, what.state)) ||
      what.why.size() > limits::control_text_bytes_max) {
    return refuse(
        fmt::format("a rollout of {} cannot become {} now", what.app, name_of(what.state)));
  }
  const bool is_second_chance =
      changed->state == RolloutState::held && what.state == RolloutState::running;
  if (goes_forward(what.state) &&
      std::any_of(changed->targets.begin(), changed->targets.end(),
                  [](const Target& each) { return each.stage >= Stage::back_told; })) {
    return refuse(fmt::format("hosts of {} are returning", what.app));
  }
  for (Target& each : changed->targets) {
    if (is_second_chance && each.stage == Stage::failed && !is_loading()) {
      each = {.agent = each.agent,
              .attempt = number(),
              .touched = each.touched,
              .before = each.before,
              .since = now};
    }
    if (what.state == RolloutState::undoing && !is_loading()) {
      // To go back is another matter than what failed before.
      each.tells = 0;
      each.attempt = number();
      each.since = now;
    }
  }
  changed->state = what.state;
  if (!what.why.empty() || !is_over(what.state) || what.state == RolloutState::done) {
    changed->why = what.why;  // else it ended for the reason it was being ended for
  }
  changed->settled_since = instant_never;
  return {};
}

Status Applying::operator()(const SnapshotBegun& what) {
  if (state.sequence != 0 || what.origin == 0 || what.sequence == 0 ||
      what.sequence > limits::control_records_max || what.term > limits::control_starts_max) {
    return refuse("a snapshot that is not at the start of a log, or out of bounds");
  }
  state.origin = what.origin;
  state.term = what.term;
  state.sequence = what.sequence;
  state.loading_left = what.record_count;
  return {};
}

Status Applying::operator()(const TargetKept& what) {
  App* found = app(what.app);
  Rollout* of = rollout(what.app);
  const std::optional<AgentIndex> agent = state.find_agent(what.host);
  Target kept{.agent = agent.value_or(AgentIndex{}),
              .stage = what.stage,
              .reason = what.reason,
              .attempt = what.attempt,
              .tells = what.tells,
              .touched = what.touched,
              .before = what.before,
              .text = what.text,
              .since = now};
  const bool is_forgotten = agent && state.agent(*agent).forgotten;
  if (!is_loading() || of == nullptr || !agent ||
      (is_forgotten && (!what.touched || what.stage != Stage::waiting || was_told(*of, *agent))) ||
      what.attempt < of->number || what.attempt > state.sequence || !is_sound(*found, kept)) {
    return refuse(fmt::format("the snapshot's {} at {} does not fit", what.app, what.host));
  }
  if (is_forgotten) {
    of->forgotten.push_back({.agent = *agent, .before = what.before});
    return {};
  }
  Target* known = target(*of, what.host);
  (known != nullptr ? *known : add_target(*of, *agent)) = std::move(kept);
  return {};
}

}  // namespace

Status apply(State& state, const Record& record, Instant now) {
  if (state.sequence > limits::control_records_max) {
    return fail(ErrorCode::limit, "the coordinator's log has no more numbers");
  }
  if (state.origin == 0 && !std::holds_alternative<Started>(record.what) &&
      !std::holds_alternative<SnapshotBegun>(record.what)) {
    return refuse("a log that does not begin with a start or a snapshot");
  }
  const bool is_loading = state.loading_left > 0;
  if (Status done = std::visit(Applying{state, record, now}, record.what); !done) {
    return done;
  }
  if (is_loading) {
    --state.loading_left;
  } else if (!std::holds_alternative<SnapshotBegun>(record.what)) {
    ++state.sequence;
  }
  return {};
}

}  // namespace murder::control
