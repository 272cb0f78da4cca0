// What the runner tells a deploy by a coordinator, and what that shows.
#include <fmt/format.h>

#include "cli/fleet/plan/rollout_step.h"
#include "cli/fleet/rollout/rollout_deployment.h"
#include "cli/fleet/same_machine.h"
#include "engine/base/endpoint.h"
#include "engine/host/deploy_locks.h"

namespace murder::fleet {

void RolloutDeployment::retrying(const HostResult& result, Duration /*wait*/) {
  lost_.note_unreachable(result.host);
  work_.view().note(
      fmt::format("{}: {} (trying again)", work_.inventory().at(result.host).name, result.reason));
}

void RolloutDeployment::output(HostIndex /*host*/, std::string_view part) {
  heard_at_ = monotonic_now();
  following_.take_output(part);
  const Json& lock = following_.lock();
  if (lock.is_null() || !coordinator_.empty() || asks_again_) {
    return;
  }
  if (text_member(lock, "state") == coordinate_port_taken) {
    outcome_.why_commands =
        fmt::format("a tracker on {} has port {}", work_.inventory().at(*host_).name,
                    work_.variables().tracker_port);
    trouble_ = fail(ErrorCode::exists, outcome_.why_commands);
    return;
  }
  if (text_member(lock, "state") != host::lock_state_name(host::LockState::held)) {
    take_busy(lock["holder"], false);
    return;
  }
  leased_ = lock;
  if (!lost_.hosts().empty()) {
    begin_again();
  }
  const auto port = static_cast<uint16_t>(count_member(lock, "coordinator_port"));
  coordinator_ = HostPort{.host = work_.inventory().at(*host_).place(), .port = port}.text();
  work_.view().note(fmt::format(
      "{} on {}", lock["resumed"] == true ? "found the coordinator again" : "started the tracker",
      work_.inventory().at(*host_).name));
}

void RolloutDeployment::finished_of(const JobKind& kind, HostResult& result) {
  work_.unframe(result);
  const bool was_ready = run_.at(result.host).reach == Reach::ready;
  if (arrival_.take(kind, result)) {
    if (!was_ready && run_.at(result.host).reach == Reach::ready) {
      drop_if_other_name(run_, result.host, outcome_.other_names,
                         [this](HostIndex other) { return contains(agents_.begun(), other); });
      check_orders_of(result.host);
    }
    return;
  }
  if (&kind == &coordinate_kind_) {
    take_coordinator(result);
  } else if (&kind == &send_kind_ || &kind == &seed_kind_) {
    take_seeder(result);
  } else if (&kind != &clean_kind_) {
    agents_.take(kind, result);
  } else if (!result.is_ok()) {
    work_.context().warn(
        fmt::format("clean-up on {}: {}", work_.inventory().at(result.host).name, result.reason));
  }
  for (AgentStarts::Placed& each : agents_.take_placed()) {
    following_.note_placed(each.host, std::move(each.tags));
  }
  run_.times.end(kind.stage, monotonic_now());
}

void RolloutDeployment::tick() {
  if (is_asking_) {
    return;
  }
  LiveState state{.title = work_.title(),
                  .stage = following_.stage_text(),
                  .failed_before = static_cast<uint32_t>(work_.failures().size())};
  if (state.stage.empty()) {
    state.stage = packing_.is_at_work() ? packing_.text() : "preparing";
  }
  state.counts = run_.counts();
  state.own_view = following_.view();
  work_.show(state);
}

}  // namespace murder::fleet
