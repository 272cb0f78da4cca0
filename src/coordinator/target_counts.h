// The hosts of a rollout, counted by where they stand, as operators and monitoring see them. Pure.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "engine/control/coordinator.h"

namespace murder::coordinator {

// Every target is counted in one of these, but for `away`.
struct TargetCounts {
  uint32_t waiting = 0;
  uint32_t fetching = 0;
  uint32_t ready = 0;
  uint32_t told = 0;
  uint32_t healthy = 0;
  uint32_t failed = 0;
  uint32_t back_told = 0;
  uint32_t back_done = 0;
  uint32_t back_failed = 0;
  uint32_t away = 0;  // whatever else they are
};

struct CountMember {
  std::string_view name;
  uint32_t TargetCounts::*member;
};

inline constexpr std::array count_members = {
    CountMember{"waiting", &TargetCounts::waiting},
    CountMember{"fetching", &TargetCounts::fetching},
    CountMember{"ready", &TargetCounts::ready},
    CountMember{"told", &TargetCounts::told},
    CountMember{"healthy", &TargetCounts::healthy},
    CountMember{"failed", &TargetCounts::failed},
    CountMember{"back_told", &TargetCounts::back_told},
    CountMember{"back_done", &TargetCounts::back_done},
    CountMember{"back_failed", &TargetCounts::back_failed},
    CountMember{"away", &TargetCounts::away},
};

// Of an app that has a rollout.
[[nodiscard]] TargetCounts count_targets(const control::Coordinator& machine,
                                         const control::App& app, Instant now);

}  // namespace murder::coordinator
