// The host of the coordinator is lost in the middle of a deploy: it boots, its network is gone, or
// what ran there was killed. The same host is tried for some seconds, as all may run on there. Then
// the next host that this deploy could have begun with takes its place; what hosts have they keep.
#include <fmt/format.h>

#include <algorithm>

#include "cli/fleet/rollout/rollout_deployment.h"
#include "cli/fleet/rollout/rollout_parts.h"
#include "cli/fleet/steps.h"

namespace murder::fleet {
namespace {

// It tells that it is alive every 5 s.
constexpr Duration coordinate_silence_max = std::chrono::seconds(30);

}  // namespace

// Its connection may be dead without anybody having said so.
void RolloutDeployment::watch_silence() {
  const bool was_there = !coordinator_.empty() || !lost_.hosts().empty();
  if (is_asked_ && was_there && !following_.is_ending() &&
      monotonic_now() - heard_at_ > coordinate_silence_max) {
    heard_at_ = monotonic_now();
    run_.runner.stop(host_, &coordinate_kind_);
  }
}

// Whether the deploy goes on by another coordinate, once one can be started.
bool RolloutDeployment::return_to(const HostResult& lost) {
  // Of the first attempt at all, an error is an error.
  const bool was_at_work =
      !coordinator_.empty() || (!lost_.hosts().empty() && lost.outcome != Outcome::failed);
  // One that is attached ends when nobody is there, and so does one that cleans up.
  const bool ends_there = options_.rollout->is_attached || following_.is_ending();
  if (!was_at_work || ends_there || is_end_told_ || is_left_ || lost.is_ok() ||
      !lost_.may_take_up()) {
    return false;
  }
  const HostIndex host = *host_;
  work_.view().note(fmt::format("{}: the coordinator is lost ({}); looking for it, or another host",
                                work_.inventory().at(host).name, lost.reason));
  lost_.add(host, monotonic_now());
  run_.runner.stop(host, nullptr);
  channels_.forget();
  agents_.forget();
  is_settled_told_ = false;
  DeployHost& here = run_.at(host);
  here.state = here.is_peer && here.state != HostState::failed ? HostState::connecting : here.state;
  host_.reset();
  coordinator_.clear();
  leased_ = {};
  following_.forget_lock();
  has_order_ = has_seeder_ = is_serving_ = has_tracker_ = false;
  arrival_.start_again(host);
  return true;
}

// Another coordinate answers. One that found the coordinator alive has its agents; else all agents
// are told where it is now, by starting them again.
void RolloutDeployment::begin_again() {
  missing_told_.assign(missing_told_.size(), false);
  if (leased_["resumed"] == true) {
    return;
  }
  agents_.begin_again();
}

// What hosts still hold that were lost: the lock would be in the way of the next deploy, and a
// tracker there would outlast this one for a while. One that is being looked for when somebody ends
// the deploy is tried once more.
void RolloutDeployment::clean_lost() {
  if (is_left_ || lost_.hosts().empty()) {
    return;
  }
  std::vector<std::string> commands;
  if (release_) {
    commands.push_back(finish_command_of(run_, release_->torrent.name == options_.tag));
  }
  commands.push_back(unlock_command_of(run_, outcome_.info_hash));
  const bool is_cleaned = !is_end_told_ || !following_.ended().is_null();
  clean_kind_.retries = is_end_told_ ? 0 : clean_kind_.retries;
  run_on_lost(run_, clean_kind_, commands,
              lost_.to_clean(run_, is_cleaned ? host_ : std::nullopt, is_end_told_));
}

}  // namespace murder::fleet
