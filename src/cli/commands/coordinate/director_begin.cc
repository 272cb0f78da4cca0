// How a deploy's director begins the rollout, or finds the one that a director before it has begun;
// and a coordinator whose process is gone.
#include <algorithm>

#include "cli/commands/coordinate/deploy_director.h"
#include "cli/control/rollout_orders.h"
#include "engine/base/monotonic_clock.h"

namespace murder::cli {
namespace {

constexpr Duration begin_again_after = std::chrono::milliseconds(10);
constexpr Duration revive_every = std::chrono::seconds(1);

}  // namespace

// All hosts fetch; nobody activates it yet. A rollout needs an agent: until one is heard it is
// tried again.
Status DeployDirector::begin() {
  Json plan = order_->plan;
  plan["by"] = options_.owner;
  plan["paused"] = true;
  if (order_->orders.is_array()) {
    plan["orders"] = order_->orders;
  }
  const Status published = publish();
  const Result<bool> is_there = published ? is_under_way() : fail(published.error());
  const Result<Json> started =
      !is_there   ? Result<Json>(fail(is_there.error()))
      : *is_there ? Result<Json>(Json::object())
                  : client_.post(control_target("/control/rollout",
                                                {{"app", order_->app}, {"tag", options_.tag}}),
                                 plan);
  const Instant now = monotonic_now();
  if (!started && started.error().code == ErrorCode::network &&
      now - answered_at_ < coordinator_silent_max) {
    revive(started.error());
    look_at_ = now + begin_again_after;
    return {};
  }
  if (!started && started.error().code == ErrorCode::not_found) {
    const bool will_come = !is_settled_ || std::ranges::any_of(hosts_, [](const auto& host) {
      return host.second.view.state != fleet::HostState::failed;
    });
    answered_at_ = now;
    look_at_ = now + begin_again_after;
    return will_come && now - started_at_ < order_->timeout
               ? Status()
               : fail(ErrorCode::not_found, "no agent was heard");
  }
  if (!started) {
    return fail(started.error());
  }
  has_begun_ = true;
  answered_at_ = now;
  look_at_ = {};
  return {};
}

Status DeployDirector::publish() {
  if (has_published_) {
    return {};
  }
  const Result<Json> published = client_.put(
      control_target("/control/release",
                     {{"app", order_->app}, {"tag", options_.tag}, {"by", options_.owner}}),
      order_->torrent);
  if (!published) {
    return fail(published.error());
  }
  has_published_ = true;
  order_->torrent.clear();
  return {};
}

// A coordinate before this one has begun it.
Result<bool> DeployDirector::is_under_way() {
  if (!hold_.has_state()) {
    return false;
  }
  const Result<Json> told =
      client_.get(control_target("/control/rollouts", {{"app", order_->app}}));
  if (!told) {
    return fail(told.error());
  }
  return text_member(rollout_of(*told), "tag") == options_.tag;
}

// Of a coordinator that was found again: one that was lost before SOURCE was packed has none.
bool DeployDirector::may_have_rollout() {
  if (!hold_.is_resumed()) {
    return false;
  }
  const Result<Json> told = client_.get("/control/rollouts");
  return !told || std::ranges::any_of((*told)["rollouts"].items(), [this](const Json& rollout) {
    return text_member(rollout, "tag") == options_.tag;
  });
}

// It does not answer: its process may be gone.
void DeployDirector::revive(const Error& error) {
  const Instant now = monotonic_now();
  if (error.code != ErrorCode::network || now < revive_at_) {
    return;
  }
  revive_at_ = now + revive_every;
  const Status revived = hold_.revive_coordinator();
  why_gone_ = revived ? "" : revived.error().text;
}

}  // namespace murder::cli
