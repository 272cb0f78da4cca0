#include "cli/fleet/plan/rollout_step.h"

#include <fmt/format.h>

#include <algorithm>

#include "cli/fleet/plan/deploy_decisions.h"

namespace murder::fleet {
namespace {

bool is_pending(const RolloutHost& host) {
  return host.state != HostState::ready && host.state != HostState::active &&
         host.state != HostState::failed;
}

uint32_t count_ready(std::span<const RolloutHost> hosts) {
  return static_cast<uint32_t>(std::ranges::count_if(hosts, [](const RolloutHost& host) {
    return host.state == HostState::ready || host.state == HostState::active;
  }));
}

RolloutDecision while_paused(const RolloutView& view) {
  const bool is_any_pending = std::ranges::any_of(view.hosts, is_pending);
  const uint32_t ready = count_ready(view.hosts);
  if (std::ranges::any_of(view.hosts, [&](const RolloutHost& host) {
        return is_pending(host) && !reason_to_leave(view, host).empty();
      })) {
    return {.step = RolloutStep::leave};
  }
  if (is_any_pending) {
    return {};
  }
  if (!view.activates) {
    return {.step = RolloutStep::end};
  }
  if (ready < view.hosts_needed || ready == 0) {
    return {.step = RolloutStep::abort,
            .why = ready == 0 ? "nothing was activated"
                              : fmt::format("not activated: {} of {} hosts have it, {} are needed",
                                            ready, view.hosts.size(), view.hosts_needed)};
  }
  return {.step = RolloutStep::resume};
}

// Hosts that were left would be waited for until their deadline.
RolloutDecision while_running(const RolloutView& view) {
  const bool is_done = view.waits_for_hosts &&
                       std::ranges::any_of(view.hosts, &RolloutHost::is_left) &&
                       std::ranges::all_of(view.hosts, [](const RolloutHost& host) {
                         return host.state == HostState::active || host.is_left;
                       });
  return is_done ? RolloutDecision{.step = RolloutStep::end} : RolloutDecision{};
}

}  // namespace

std::string reason_to_leave(const RolloutView& view, const RolloutHost& host) {
  const Duration still = view.now - std::max(host.moved_at, view.started_at);
  if (host.state == HostState::connecting && view.is_settled &&
      std::min(still, view.now - view.settled_at) >= silent_agent_wait) {
    return fmt::format("its agent was not heard for {} s",
                       silent_agent_wait / std::chrono::seconds(1));
  }
  if (view.timeout > Duration::zero() && view.now - view.started_at >= view.timeout) {
    return fmt::format("still {} after {} s", host_state_name(host.state),
                       view.timeout / std::chrono::seconds(1));
  }
  const bool has_quorum = view.leaves_laggards && count_ready(view.hosts) >= view.hosts_needed;
  if (has_quorum && still >= stall_beyond_quorum) {
    return fmt::format("stalled: no progress for {} s, and enough hosts have the release",
                       still / std::chrono::seconds(1));
  }
  return {};
}

RolloutDecision next_rollout_step(const RolloutView& view) {
  const bool is_running = view.state == "running";
  if (view.state == "aborting" || view.state == "undoing") {
    return {};
  }
  if (view.state != "paused" && !is_running) {
    return {.step = RolloutStep::end};
  }
  if (!view.why_end.empty()) {
    return {.step = RolloutStep::abort, .why = std::string(view.why_end)};
  }
  return is_running ? while_running(view) : while_paused(view);
}

InterruptStep interrupt_step(const InterruptView& view) {
  if (view.is_hangup && !view.is_attached && view.is_settled) {
    return InterruptStep::leave;
  }
  if (view.is_hangup) {
    return view.was_lost && !view.is_attached && !view.is_second ? InterruptStep::stay
                                                                 : InterruptStep::end;
  }
  return view.can_ask && (view.is_settled || view.lacks_lost_hosts_alone) ? InterruptStep::ask
                                                                          : InterruptStep::end;
}

}  // namespace murder::fleet
