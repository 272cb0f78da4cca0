// How long hosts take for what they are told, and rollouts for all of it, since this process began
// to lead: for /metrics. Pure.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <unordered_map>

#include "engine/base/instant.h"
#include "engine/control/record.h"

namespace murder::coordinator {

enum class TimedStage : uint8_t {
  activate,  // from being told until the host is healthy, or failed
  back,      // the same on the way back
  rollout,   // from its start until it is done, aborted or undone
};
inline constexpr std::array timed_stages = {TimedStage::activate, TimedStage::back,
                                            TimedStage::rollout};

struct StageSum {
  uint64_t count = 0;
  Duration time{};
};

// Bounded: what is under way of limits::control_agents_max hosts and control_apps_max apps; beyond
// that it counts no more, and no less.
class StageTimes {
 public:
  // Records that are on the disk now.
  void note(std::span<const control::Record> records, Instant now);
  // The machine is another one: what it has under way began at a time that is not known.
  void forget_begun() { begun_.clear(); }

  [[nodiscard]] const StageSum& of(TimedStage stage, bool is_done) const {
    return sums_[static_cast<size_t>(stage)][is_done ? 1 : 0];
  }

 private:
  struct Begun {
    TimedStage stage = TimedStage::activate;
    Instant at{};
  };

  void begin(std::string key, TimedStage stage, Instant now);
  void end(const std::string& key, bool is_done, Instant now);

  std::unordered_map<std::string, Begun> begun_;                     // by app, and host
  std::array<std::array<StageSum, 2>, timed_stages.size()> sums_{};  // by whether it failed, or not
};

}  // namespace murder::coordinator
