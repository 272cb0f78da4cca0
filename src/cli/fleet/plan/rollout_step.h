// What is next in a deploy whose hosts have an agent each: all fetch the release while the rollout
// is paused, it goes on once enough have it, and the deploy ends with it. Pure.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "cli/fleet/plan/host_state.h"
#include "engine/base/instant.h"

namespace murder::fleet {

struct RolloutHost {
  HostState state = HostState::connecting;  // connecting: its agent was not heard yet
  Instant moved_at{};                       // its last byte, or state, or the start
  bool is_left = false;  // given up here, and perhaps waited for by the coordinator
};

struct RolloutView {
  std::span<const RolloutHost> hosts;
  std::string_view state;  // of the rollout, as the coordinator names it
  bool activates = true;   // else it ends when the hosts have the release
  // Hosts that must have it before the first one activates it.
  uint32_t hosts_needed = 0;
  bool waits_for_hosts = false;  // while it runs: not for the time that a wave is watched
  bool leaves_laggards = false;  // hosts beyond them are not waited for without end
  // Agents were started wherever they could be: one that is not heard in a while will not come.
  bool is_settled = false;
  Instant settled_at{};      // since when
  std::string_view why_end;  // somebody wants it to end; empty: nobody does
  Instant started_at{};
  Instant now{};
  Duration timeout{};  // of the fetching
};

enum class RolloutStep : uint8_t {
  wait,
  leave,   // the hosts that move no more: they are named, and the others go on
  resume,  // enough have it
  abort,   // nothing further is activated
  end,     // it is over
};

struct RolloutDecision {
  RolloutStep step = RolloutStep::wait;
  std::string why;  // of leave and abort

  bool operator==(const RolloutDecision&) const = default;
};

[[nodiscard]] RolloutDecision next_rollout_step(const RolloutView& view);

// Why a host that has neither the release nor an outcome is not waited for any longer; empty: it
// is.
[[nodiscard]] std::string reason_to_leave(const RolloutView& view, const RolloutHost& host);

// --- ^C, or a terminal that is gone, while the deploy is followed --------------------------------

struct InterruptView {
  bool is_hangup = false;  // the first signal was
  bool is_second = false;  // another one came
  bool is_attached = false;
  bool is_settled = false;  // all is told, and nothing but the coordinator's host is at work
  bool was_lost = false;    // a coordinator, once
  bool lacks_lost_hosts_alone = false;  // all is told but to hosts that were lost
  bool can_ask = false;                 // somebody is at a terminal
};

enum class InterruptStep : uint8_t {
  end,
  ask,
  leave,  // it goes on without this command
  stay,   // without its terminal: it is this command that finds lost hosts, or others
};

[[nodiscard]] InterruptStep interrupt_step(const InterruptView& view);

// What `murder coordinate --port-or-end` tells as its state, where the tracker's port is taken.
inline constexpr std::string_view coordinate_port_taken = "port-taken";

// Where no order says otherwise: an agent that was started and is not heard.
inline constexpr Duration silent_agent_wait = std::chrono::seconds(30);

}  // namespace murder::fleet
