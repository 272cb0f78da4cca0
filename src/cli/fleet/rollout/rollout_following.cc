#include "cli/fleet/rollout/rollout_following.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "cli/fleet/plan/fetch_reason.h"
#include "cli/fleet/plan/rollout_step.h"
#include "engine/base/units.h"
#include "engine/control/state.h"

namespace murder::fleet {
namespace {

constexpr size_t told_line_bytes_max = 64 * 1024 * 1024;  // of a fleet of thousands
constexpr std::string_view fetch_stage = "peer";
constexpr std::string_view activate_stage = "activate";
constexpr std::string_view clean_stage = "clean-up";

HostState state_named(std::string_view name) {
  for (size_t index = 0; index < host_state_count; ++index) {
    if (host_state_name(static_cast<HostState>(index)) == name) {
      return static_cast<HostState>(index);
    }
  }
  return HostState::waiting;
}

}  // namespace

void RolloutFollowing::take_output(std::string_view part) {
  line_ += part;
  size_t start = 0;
  for (size_t end = line_.find('\n'); end != std::string::npos; end = line_.find('\n', start)) {
    if (const Result<Json> told = parse_json(std::string_view(line_).substr(start, end - start));
        told && told->is_object()) {
      take(*told);
    }
    start = end + 1;
  }
  line_.erase(0, start);
  if (line_.size() > told_line_bytes_max) {
    line_.clear();
  }
}

void RolloutFollowing::take(const Json& told) {
  const bool has_no_port = text_member(told, "state") == coordinate_port_taken;
  if (told.contains("lock") || told.contains("holder") || has_no_port) {
    lock_ = told;
  }
  if (told.contains("rollout")) {
    take_rollout(told["rollout"]);
  }
  for (const auto& [name, each] : told["hosts"].members()) {
    if (const auto host = hosts_.find(name); host != hosts_.end()) {
      take_host(host->second, each);
    }
  }
  if (told["ending"] == true) {
    is_ending_ = true;
    begin_clean_up();
  }
  if (told.contains("ended")) {
    ended_ = told["ended"];
  }
}

void RolloutFollowing::begin_clean_up() {
  const Instant now = monotonic_now();
  if (state_ == "paused") {
    run_.times.end(fetch_stage, now);
  } else if (!state_.empty()) {
    run_.times.end(activate_stage, now);
  }
  run_.times.begin(clean_stage, now);
}

void RolloutFollowing::take_rollout(const Json& rollout) {
  const Instant now = monotonic_now();
  const std::string state = text_member(rollout, "state");
  wave_ = count_member(rollout, "wave");
  waves_ = count_member(rollout, "waves");
  if (state.empty() || state == state_) {
    return;
  }
  if (state_.empty()) {
    run_.times.begin(fetch_stage, now);
  } else if (state_ == "paused") {
    run_.times.end(fetch_stage, now);
  }
  const bool is_activating = state == "running" || state == "undoing" || state == "aborting";
  if (is_activating) {
    run_.times.begin(activate_stage, now);
  } else if (state != "paused") {
    run_.times.end(activate_stage, now);
  }
  state_ = state;
}

void RolloutFollowing::take_host(HostIndex host, const Json& told) {
  DeployHost& here = run_.at(host);
  if (!here.is_peer) {
    return;
  }
  if (told.contains("current")) {
    current_[host.raw] = text_member(told, "current");
  }
  if (here.has_failed) {
    run_.work.refine_failure(host, text_member(told, "why"));
    return;
  }
  take_facts(host, told);
  const HostState state = state_named(text_member(told, "state"));
  here.done_bytes = std::min(count_member(told, "bytes"), total_bytes_);
  here.total_bytes = total_bytes_;
  here.moved_at = monotonic_now();
  if (state == HostState::failed) {
    fail(host, told);
    return;
  }
  if (state != HostState::connecting) {
    here.state = state;  // else its agent was not heard: this machine knows more of it
  }
}

void RolloutFollowing::fail(HostIndex host, const Json& told) {
  DeployHost& here = run_.at(host);
  const bool had_it =
      here.state == HostState::ready || here.state == HostState::active || state_ != "paused";
  std::string why = text_member(told, "why");
  if (why.empty()) {
    return;
  }
  if (!had_it && here.done_bytes == 0 && why == control::text_of(control::Reason::late)) {
    why = reason_nothing_came(why, run_.work.variables().peer_port);
  }
  run_.fail_host({.host = host,
                  .name = run_.work.inventory().at(host).name,
                  .stage = std::string(had_it ? activate_stage : fetch_stage),
                  .outcome = std::string(outcome_name(Outcome::failed)),
                  .reason = std::move(why),
                  .is_in_the_way = told["in_the_way"] == true});
  here.state = HostState::failed;
}

void RolloutFollowing::take_facts(HostIndex host, const Json& told) {
  if (told.contains("warnings") && have_warned_.insert(host.raw).second) {
    warnings_.note(told);
  }
  const std::string keep_trouble = text_member(told, "keep_trouble");
  if (!keep_trouble.empty() && keep_too_many_.insert(host.raw).second) {
    run_.work.note_failure({.host = host,
                            .name = run_.work.inventory().at(host).name,
                            .stage = "keep-releases",
                            .outcome = std::string(outcome_name(Outcome::failed)),
                            .reason = keep_trouble});
  }
}

bool RolloutFollowing::had(HostIndex host, const std::string& info_hash) const {
  const auto placed = placed_.find(host.raw);
  return placed != placed_.end() && placed->second.contains(info_hash);
}

std::optional<std::string> RolloutFollowing::current(HostIndex host) const {
  const auto found = current_.find(host.raw);
  if (found == current_.end()) {
    return std::nullopt;
  }
  const std::string& current = found->second;
  if (had(host, current)) {
    return placed_.at(host.raw)[current].text();
  }
  const auto other = std::ranges::find_if(
      placed_, [&](const auto& placed) { return placed.second.contains(current); });
  return other == placed_.end() ? current : other->second[current].text();
}

std::string RolloutFollowing::stage_text() const {
  if (state_.empty()) {
    return {};
  }
  if (state_ == "paused") {
    return "fetching";
  }
  return waves_ > 1 && state_ == "running" ? fmt::format("wave {} of {}", wave_, waves_) : state_;
}

std::string RolloutFollowing::how_far(HostIndex host) const {
  const DeployHost& here = run_.at(host);
  return here.total_bytes == 0 ? ""
                               : fmt::format(", {} of {}", format_size(here.done_bytes),
                                             format_size(here.total_bytes));
}

SwarmView RolloutFollowing::view() const {
  SwarmView view;
  view.total_bytes = total_bytes_;
  for (const auto& [name, index] : hosts_) {
    const DeployHost& host = run_.at(index);
    const bool has_all = host.state == HostState::ready || host.state == HostState::active ||
                         host.state == HostState::unpacking;
    const uint64_t had = has_all ? total_bytes_ : host.done_bytes;
    if (host.state == HostState::failed) {
      continue;
    }
    view.delivered_bytes += had;
    view.left_bytes += total_bytes_ - had;
    ++(has_all ? view.seeders : view.leechers);
    if (!has_all && total_bytes_ > 0) {
      ++view.leechers_by_tenth[std::min<uint64_t>(had * 10 / total_bytes_, 9)];
    }
  }
  return view;
}

}  // namespace murder::fleet
