// What a deploy's director sees of hosts and rollout, and what it tells of it.
#include <fmt/format.h>

#include <algorithm>

#include "cli/commands/coordinate/deploy_director.h"
#include "cli/control/rollout_orders.h"
#include "engine/base/monotonic_clock.h"
#include "engine/base/types.h"

namespace murder::cli {
namespace {

using fleet::HostState;

// While hosts change, and otherwise.
constexpr Duration look_soon = std::chrono::milliseconds(20);
constexpr Duration look_every = std::chrono::milliseconds(100);
constexpr Duration soon_for = std::chrono::seconds(1);
// For each host, so that a fleet of thousands is looked at for a tenth of the time at most. Not by
// how long a look took: on a machine that is busy with the deploy that says nothing.
constexpr Duration look_pause_each = std::chrono::microseconds(200);
// Before the release is there: so that the coordinator knows that somebody is.
constexpr Duration idle_look_every = std::chrono::seconds(10);
// An agent whose connection is gone for so long is not waited for.
constexpr Duration gone_max = std::chrono::seconds(20);
constexpr size_t earlier_max = 256;

bool contains_text(const Json& list, std::string_view text) {
  return std::ranges::any_of(list, [text](const Json& each) { return each.text() == text; });
}

HostState state_of_agent(const Json& app, const std::string& tag, bool activates) {
  const std::string phase = text_member(app, "phase");
  const bool is_active = text_member(app, "active_tag") == tag && app["healthy"] == true;
  if (activates && is_active && phase == "idle") {
    return HostState::active;
  }
  if (contains_text(app["ready_tags"], tag)) {
    return HostState::ready;
  }
  return phase == "fetching"    ? HostState::fetching
         : phase == "verifying" ? HostState::unpacking
                                : HostState::waiting;
}

}  // namespace

void DeployDirector::look() {
  const Instant begin = monotonic_now();
  const Result<Json> rollout = client_.get(
      control_target("/control/rollouts", {{"app", order_ ? order_->app : std::string()}}));
  if (!rollout || !has_begun_) {
    if (!rollout) {
      revive(rollout.error());
    }
    answered_at_ = rollout ? begin : answered_at_;
    look_at_ = begin + (has_begun_ ? look_every : idle_look_every);
    return;
  }
  const Result<Json> agents =
      client_.get(control_target("/control/agents", {{"app", order_->app}}));
  const Instant now = monotonic_now();
  const Duration pause = now - changed_at_ < soon_for ? look_soon : look_every;
  look_at_ = now + std::max<Duration>(pause, hosts_.size() * look_pause_each);
  if (!agents) {
    return;
  }
  answered_at_ = now;
  rollout_ = rollout_of(*rollout);
  if (std::string state = text_member(rollout_, "state"); state != state_) {
    state_ = std::move(state);
    changed_at_ = now;
  }
  for (auto& [name, host] : hosts_) {
    host.is_connected = false;
  }
  for (const Json& agent : (*agents)["agents"]) {
    take_agent(agent, now);
  }
  static_cast<void>(note_earlier_releases());  // else before anybody is told
  take_unsettled(rollout_);
  note_gone(now);
}

void DeployDirector::take_agent(const Json& agent, Instant now) {
  const auto found = hosts_.find(text_member(agent, "host"));
  if (found == hosts_.end()) {
    return;
  }
  Host& host = found->second;
  host.is_connected = agent["connected"] == true;
  for (const char* name : {"warnings", "in_the_way", "keep_trouble"}) {
    if (agent.contains(name)) {
      host.facts[name] = agent[name];
    }
  }
  for (const Json& app : agent["apps"]) {
    if (text_member(app, "app") != order_->app) {
      continue;
    }
    const std::string active = text_member(app, "active_tag");
    host.facts["current"] = active;
    note_earlier(active);
    note_earlier(text_member(app, "switched_from"));
    HostState state = state_of_agent(app, options_.tag, order_->activates);
    const std::string failure = text_member(app, "failure", "none");
    host.has_own_reason = failure == "fetch" && !text_member(app, "text").empty();
    if (state != HostState::active && failure != "none") {
      const std::string text = text_member(app, "text");
      host.why = text.empty() ? failure : text;
      state = HostState::failed;
    }
    set_state(host, state, count_member(app, "progress"), now);
  }
}

// A release that nobody published is called by its info hash.
void DeployDirector::note_earlier(const std::string& name) {
  if (InfoHash::from_hex(name) && earlier_.size() < earlier_max &&
      std::ranges::find(earlier_, name) == earlier_.end()) {
    earlier_.push_back(name);
  }
}

void DeployDirector::set_state(Host& host, HostState state, uint64_t bytes, Instant now) {
  if (host.is_given && state != HostState::ready && state != HostState::active) {
    return;
  }
  changed_at_ = host.view.state != state ? now : changed_at_;
  if (host.view.state != state || host.bytes != bytes || state == HostState::unpacking) {
    host.view.moved_at = now;
  }
  host.view.state = state;
  host.bytes = bytes;
  if (state != HostState::failed) {
    host.why.clear();
  }
}

// The coordinator's own judgement: of hosts that were silent or late, it alone knows.
void DeployDirector::take_unsettled(const Json& rollout) {
  for (const Json& each : rollout["unsettled"]) {
    const std::string stage = text_member(each, "stage");
    const auto host = hosts_.find(text_member(each, "host"));
    if (host != hosts_.end() && (stage == "failed" || stage == "back-failed")) {
      host->second.view.state = HostState::failed;
      if (stage != "failed" || !host->second.has_own_reason) {
        host->second.why = text_member(each, "why");
      }
    }
  }
  // Those that are back by now have failed all the same.
  const bool goes_back = state_ == "undoing" || state_ == "undone";
  for (const Json& each : goes_back ? rollout["failures"] : Json()) {
    const auto host = hosts_.find(text_member(each, "host"));
    if (host != hosts_.end() && host->second.view.state != HostState::failed) {
      host->second.view.state = HostState::failed;
      host->second.why = text_member(each, "why");
    }
  }
}

// A host that was told to activate and is gone would hold up its wave for minutes.
void DeployDirector::note_gone(Instant now) {
  for (auto& [name, host] : hosts_) {
    const HostState state = host.view.state;
    if (host.is_connected || state == HostState::connecting) {
      host.gone_since = instant_never;
      continue;
    }
    host.gone_since = std::min(host.gone_since, now);
    const bool is_settled = state == HostState::active || state == HostState::failed;
    if (is_settled || now - host.gone_since < gone_max) {
      continue;
    }
    const std::string_view doing =
        state == HostState::ready ? "it had the release, and was not heard"
                                  : std::string_view("lost while it fetched: it was not heard");
    give_up(host, fmt::format("{} for {} s", doing, gone_max / std::chrono::seconds(1)));
    static_cast<void>(client_.post(control_target("/control/agents/forget", {{"host", name}}),
                                   {{"by", options_.owner}}));
  }
}

// So that a connection that is dead is noticed on its other side.
void DeployDirector::tell_alive() {
  const Instant now = monotonic_now();
  if (input_.has_ended() || now - told_at_ < alive_told_every) {
    return;
  }
  told_at_ = now;
  context_.print_json({{"alive", true}});
}

void DeployDirector::tell_changes() {
  Json changed = Json::object();
  for (auto& [name, host] : hosts_) {
    Json now = {{"state", fleet::host_state_name(host.view.state)}, {"bytes", host.bytes}};
    if (!host.why.empty()) {
      now["why"] = host.why;
    }
    for (const auto& [fact, value] : host.facts.members()) {
      now[fact] = value;
    }
    if (now != host.told) {
      changed[name] = now;
      host.told = std::move(now);
    }
  }
  Json rollout = {{"state", state_},
                  {"wave", rollout_["wave"]},
                  {"waves", rollout_["waves"]},
                  {"why", rollout_["why"]}};
  if (input_.has_ended() || (changed.members().empty() && rollout == rollout_told_)) {
    return;  // nobody reads it, or there is nothing to say
  }
  rollout_told_ = rollout;
  told_at_ = monotonic_now();
  context_.print_json({{"rollout", std::move(rollout)}, {"hosts", std::move(changed)}});
}

}  // namespace murder::cli
