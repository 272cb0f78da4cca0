// How a release is rolled out: waves, bounds and times, as the operator asked for them. Pure.
//
// Defaults are those operators know: times from Nomad's update block (min_healthy_time 10s,
// healthy_deadline 5m, progress_deadline 10m), batches from Ansible's `serial` lists, rounding of
// unavailable hosts from Kubernetes' maxUnavailable.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/instant.h"
#include "engine/base/result.h"
#include "engine/control/share.h"

namespace murder::control {

enum class OnFailure : uint8_t { hold, rollback };

struct Plan {
  std::vector<std::string> groups;  // empty: every agent that takes the app
  // How many hosts are activated at the end of each wave, in all: 1, 10%, 50%, 100%. The last one
  // is 100%.
  std::vector<Share> waves = {{.number = 100, .is_percent = true}};
  Duration bake{};  // a wave that is healthy is watched for so long before the next one
  // That many failed hosts stop the rollout (reached, not exceeded; Ansible's max_fail_percentage
  // must be exceeded).
  Share max_fail{.number = 2, .is_percent = true};
  OnFailure on_failure = OnFailure::hold;
  // Hosts that are down by this rollout's doing at a time, of all and of each rack. Kubernetes has
  // 25 % here; a fleet deploys to all hosts at once unless it says otherwise.
  Share max_unavailable{.number = 100, .is_percent = true};
  Share rack_max_unavailable{.number = 100, .is_percent = true};
  // Hosts that must have the release before the first one activates it.
  Share quorum{.number = 0, .is_percent = true};
  Duration min_healthy = std::chrono::seconds(10);
  Duration healthy_deadline = std::chrono::minutes(5);    // from the activation on
  Duration progress_deadline = std::chrono::minutes(10);  // of a host that fetches
  Duration confirm_within{};  // 0: an agent never goes back for want of its coordinator
  int64_t begin_wall_s = 0;   // no activation before this time (seconds since 1970)
  bool allow_older = false;   // than what a host runs

  bool operator==(const Plan&) const = default;
};

// "1,10%,50%,100%". What the last wave leaves is one more wave.
[[nodiscard]] Result<std::vector<Share>> parse_waves(std::string_view text);

// What cannot be carried out, and values out of bounds.
[[nodiscard]] Status validate_plan(const Plan& plan);

// Hosts of `count` that may be activated up to the end of this wave. A percentage is rounded down
// and at least one host, as Ansible does with `serial`.
[[nodiscard]] uint32_t wave_goal(const Plan& plan, uint32_t wave, uint32_t count);

// Failed hosts of `count` at which a rollout stops: the share is reached. At least one.
[[nodiscard]] uint32_t failed_bound(const Plan& plan, uint32_t count);

// Hosts of `count` that may be down at a time. Rounded down as Kubernetes does with maxUnavailable,
// which becomes one where nothing could ever move.
[[nodiscard]] uint32_t unavailable_bound(Share share, uint32_t count);

// How long a host that was told to activate is waited for: it begins within a lease, and ends
// within two deadlines, that of the activation and that of going back.
[[nodiscard]] Duration settle_within(const Plan& plan);

}  // namespace murder::control
