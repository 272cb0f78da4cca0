#include "cli/fleet/plan/rollout_step.h"

#include <doctest/doctest.h>

#include <vector>

using namespace murder;
using namespace murder::fleet;
using std::chrono::seconds;

namespace {

const Instant start = Instant{} + seconds(1000);

std::vector<RolloutHost> hosts_in(const std::vector<HostState>& states) {
  std::vector<RolloutHost> hosts;
  for (const HostState state : states) {
    hosts.push_back({.state = state, .moved_at = start});
  }
  return hosts;
}

RolloutView view_of(const std::vector<RolloutHost>& hosts, std::string_view state,
                    Duration after = seconds(1)) {
  return {.hosts = hosts,
          .state = state,
          .hosts_needed = static_cast<uint32_t>(hosts.size()),
          .started_at = start,
          .now = start + after,
          .timeout = seconds(3600)};
}

}  // namespace

TEST_CASE("a paused rollout goes on once every host has the release") {
  using enum HostState;
  auto hosts = hosts_in({ready, fetching, connecting});
  CHECK(next_rollout_step(view_of(hosts, "paused")).step == RolloutStep::wait);
  hosts = hosts_in({ready, active, ready});
  CHECK(next_rollout_step(view_of(hosts, "paused")).step == RolloutStep::resume);
}

TEST_CASE("one that lacks hosts is aborted when no other can come, and says how many") {
  using enum HostState;
  const auto hosts = hosts_in({ready, failed, ready});
  const RolloutDecision decision = next_rollout_step(view_of(hosts, "paused"));
  CHECK(decision.step == RolloutStep::abort);
  CHECK(decision.why == "not activated: 2 of 3 hosts have it, 3 are needed");
  RolloutView with_quorum = view_of(hosts, "paused");
  with_quorum.hosts_needed = 2;
  CHECK(next_rollout_step(with_quorum).step == RolloutStep::resume);
  const auto none = hosts_in({failed, failed});
  CHECK(next_rollout_step(view_of(none, "paused")).why == "nothing was activated");
}

TEST_CASE("without activation it ends when hosts have the release or have failed") {
  using enum HostState;
  auto hosts = hosts_in({ready, failed});
  RolloutView view = view_of(hosts, "paused");
  view.activates = false;
  CHECK(next_rollout_step(view).step == RolloutStep::end);
  hosts = hosts_in({ready, unpacking});
  view.hosts = hosts;
  CHECK(next_rollout_step(view).step == RolloutStep::wait);
}

TEST_CASE("hosts beyond the quorum are left when they do not move") {
  using enum HostState;
  auto hosts = hosts_in({ready, ready, fetching});
  RolloutView view = view_of(hosts, "paused", seconds(20));
  view.hosts_needed = 2;
  CHECK(next_rollout_step(view).step == RolloutStep::wait);  // nobody said --quorum
  view.leaves_laggards = true;
  CHECK(next_rollout_step(view).step == RolloutStep::leave);
  CHECK(reason_to_leave(view, hosts[2]).find("no progress for 20 s") != std::string::npos);
  hosts[2].moved_at = start + seconds(5);
  view.hosts = hosts;
  CHECK(next_rollout_step(view).step == RolloutStep::wait);
  view.hosts_needed = 3;
  hosts[2].moved_at = start;
  view.hosts = hosts;
  CHECK(next_rollout_step(view).step == RolloutStep::wait);
}

TEST_CASE("an agent that is not heard, and the time limit") {
  using enum HostState;
  const auto hosts = hosts_in({ready, connecting});
  RolloutView view = view_of(hosts, "paused", seconds(31));
  CHECK(next_rollout_step(view).step == RolloutStep::wait);  // it may still be started
  view.is_settled = true;
  CHECK(next_rollout_step(view).step == RolloutStep::leave);
  view.settled_at = start + seconds(2);  // the last one was started then
  CHECK(next_rollout_step(view).step == RolloutStep::wait);
  view.is_settled = false;
  view.now = start + seconds(3600);
  CHECK(next_rollout_step(view).step == RolloutStep::leave);
}

TEST_CASE("a host that was left holds up no wave that has ended elsewhere") {
  using enum HostState;
  auto hosts = hosts_in({active, active, failed});
  RolloutView view = view_of(hosts, "running");
  view.waits_for_hosts = true;
  CHECK(next_rollout_step(view).step == RolloutStep::wait);  // the coordinator judges a failure
  hosts[2].is_left = true;
  CHECK(next_rollout_step(view).step == RolloutStep::end);
  view.waits_for_hosts = false;  // the wave is watched
  CHECK(next_rollout_step(view).step == RolloutStep::wait);
  view.waits_for_hosts = true;
  hosts[1].state = ready;
  CHECK(next_rollout_step(view).step == RolloutStep::wait);
}

TEST_CASE("what is over ends, what is being undone is waited for") {
  const auto hosts = hosts_in({HostState::ready});
  for (const char* over : {"done", "held", "aborted", "undone"}) {
    CHECK(next_rollout_step(view_of(hosts, over)).step == RolloutStep::end);
  }
  for (const char* under_way : {"running", "aborting", "undoing"}) {
    CHECK(next_rollout_step(view_of(hosts, under_way)).step == RolloutStep::wait);
  }
  RolloutView view = view_of(hosts, "running");
  view.why_end = "interrupted";
  CHECK(next_rollout_step(view) ==
        RolloutDecision{.step = RolloutStep::abort, .why = "interrupted"});
}

TEST_CASE("a terminal that is closed ends nothing that goes on without it") {
  using enum InterruptStep;
  CHECK(interrupt_step({.is_hangup = true}) == end);  // hosts are still being started
  CHECK(interrupt_step({.is_hangup = true, .is_settled = true, .can_ask = true}) == leave);
  // While a host is lost, who would find it or another one stays.
  CHECK(interrupt_step({.is_hangup = true, .was_lost = true}) == stay);
  CHECK(interrupt_step({.is_hangup = true, .was_lost = true, .lacks_lost_hosts_alone = true}) ==
        stay);
  CHECK(interrupt_step({.is_hangup = true, .is_settled = true, .was_lost = true}) == leave);
  // Who signals again wants it to end.
  CHECK(interrupt_step({.is_hangup = true, .is_second = true, .was_lost = true}) == end);
  // With --attached it ends.
  CHECK(interrupt_step({.is_hangup = true, .is_attached = true, .is_settled = true}) == end);
  CHECK(interrupt_step({.is_hangup = true, .is_attached = true, .was_lost = true}) == end);
}

TEST_CASE("^C asks at a terminal once others have what they need") {
  using enum InterruptStep;
  CHECK(interrupt_step({.can_ask = true}) == end);
  CHECK(interrupt_step({.is_settled = true, .can_ask = true}) == ask);
  CHECK(interrupt_step({.is_attached = true, .is_settled = true, .can_ask = true}) == ask);
  CHECK(interrupt_step({.is_settled = true}) == end);
  CHECK(interrupt_step({.was_lost = true, .can_ask = true}) == end);
  CHECK(interrupt_step({.was_lost = true, .lacks_lost_hosts_alone = true, .can_ask = true}) == ask);
}
