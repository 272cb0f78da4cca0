#include "cli/fleet/rollout/agent_starts.h"

#include <algorithm>
#include <utility>

#include "cli/fleet/rollout/agent_start.h"
#include "cli/fleet/rollout/rollout_parts.h"
#include "cli/fleet/steps.h"

namespace murder::fleet {
namespace {

bool was_stopped(const HostResult& result) {
  return result.outcome == Outcome::interrupted || result.outcome == Outcome::not_started;
}

}  // namespace

std::string reason_to_pass_on(const HostResult& result) {
  if (result.outcome != Outcome::failed) {
    return {};
  }
  const Json error = json_output(result)["error"];
  return text_member(error, "code") == agent_unconnected_code ? text_member(error, "text")
                                                              : std::string();
}

AgentStarts::AgentStarts(DeployRun& run) : run_(run), list_kind_(run.kind("start-agent")) {}

void AgentStarts::start(const Options& options) {
  options_ = options;
  for (const HostIndex host : run_.work.inventory().peers) {
    const DeployHost& here = run_.at(host);
    if (here.is_peer && here.state != HostState::failed && here.reach == Reach::ready &&
        !contains(begun_, host)) {
      start_one(host);
    }
  }
}

void AgentStarts::start_one(HostIndex host) {
  begun_.push_back(host);
  run_.at(host).is_touched = true;
  inputs_.push_back(agent_input_of(run_, host, place_of(host)));
  JobKind& kind = kinds_.emplace_back(run_.kind("start-agent"));
  kind.input = inputs_.back();
  run_.add(host, kind, agent_start_command(murder_path_of(run_.work), agent_words_of(run_)));
}

AgentPlace AgentStarts::place_of(HostIndex host) const {
  return {.coordinator = options_->coordinator,
          .app = deploy_app_name(run_.options.application),
          .is_recorded = options_->is_recorded,
          .had_release = contains(options_->earlier, host)};
}

void AgentStarts::take(const JobKind& kind, const HostResult& result) {
  if (&kind == &list_kind_) {
    take_releases(result);
  } else {
    take_agent(result);
  }
}

// One that was stopped is begun again, unless the deploy is to end.
bool AgentStarts::has_begun(const HostResult& result) {
  DeployHost& here = run_.at(result.host);
  here.has_begun = here.has_begun || !was_stopped(result) || run_.cancel.is_set();
  return here.has_begun;
}

void AgentStarts::take_agent(const HostResult& result) {
  if (std::string why = reason_to_pass_on(result); !why.empty() && options_) {
    why_unreached_[result.host.raw] = std::move(why);
    run_.add(result.host, list_kind_, releases_command_of(run_));
    return;
  }
  if (!reason_to_pass_on(result).empty()) {
    std::erase(begun_, result.host);  // its coordinator is lost: it is begun with the next one
    return;
  }
  static_cast<void>(has_begun(result));
  if (result.is_ok()) {
    placed_.push_back({.host = result.host, .tags = json_output(result)["placed_tags"]});
  } else if (!run_.at(result.host).has_failed && !was_stopped(result)) {
    run_.fail_host(result);
  }
}

// What is in place there, which an agent that is passed on has nobody to tell; then that is begun.
void AgentStarts::take_releases(const HostResult& result) {
  if (!has_begun(result) || was_stopped(result) || !options_) {
    return;
  }
  placed_.push_back({.host = result.host, .tags = placed_tags_of(json_output(result))});
  unreached_.push_back({.host = result.host,
                        .place = place_of(result.host),
                        .why = why_unreached_[result.host.raw]});
}

std::vector<AgentStarts::Unreached> AgentStarts::take_unreached() {
  return std::exchange(unreached_, {});
}

std::vector<AgentStarts::Placed> AgentStarts::take_placed() {
  return std::exchange(placed_, {});
}

void AgentStarts::forget() {
  for (const JobKind& kind : kinds_) {
    run_.runner.stop(std::nullopt, &kind);
  }
  run_.runner.stop(std::nullopt, &list_kind_);
  for (const Unreached& each : std::exchange(unreached_, {})) {
    run_.at(each.host).has_begun = false;
  }
  options_.reset();
  std::erase_if(begun_, [this](HostIndex host) { return !run_.at(host).has_begun; });
}

void AgentStarts::begin_again() {
  begun_.clear();
  for (DeployHost& host : run_.hosts) {
    host.has_begun = false;
  }
}

}  // namespace murder::fleet
