// How long an agent of a deploy tries to find its coordinator. Pure.
#pragma once

#include <algorithm>
#include <optional>

#include "agent/bounds.h"

namespace murder::agent {

struct OnceTimes {
  Duration reach_max{};    // a coordinator has taken a connection by then
  Duration connect_max{};  // and was heard by then
};

// `connect_within`: as it was asked for; none: the usual time. One that takes connections and is
// slow to answer has the usual time at least; nothing takes longer than the lease.
[[nodiscard]] inline OnceTimes once_times(std::optional<Duration> connect_within, Duration lease) {
  const Duration usual = limits::agent_once_connect_max;
  const Duration reach = connect_within.value_or(usual);
  return {.reach_max = std::min(reach, lease),
          .connect_max = std::min(std::max(reach, usual), lease)};
}

}  // namespace murder::agent
