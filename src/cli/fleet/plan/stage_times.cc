#include "cli/fleet/plan/stage_times.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

namespace murder::fleet {
namespace {

constexpr Duration shown_from = std::chrono::milliseconds(10);

}  // namespace

void StageTimes::begin(std::string_view stage, Instant now) {
  const bool is_known = std::any_of(times_.begin(), times_.end(),
                                    [stage](const StageTime& time) { return time.stage == stage; });
  if (!is_known) {
    times_.push_back({.stage = std::string(stage), .start = now - start_, .end = now - start_});
  }
}

void StageTimes::end(std::string_view stage, Instant now) {
  begin(stage, now);
  for (StageTime& time : times_) {
    if (time.stage == stage) {
      time.end = std::max(time.end, now - start_);
    }
  }
}

std::string StageTimes::text() const {
  std::string text;
  for (const StageTime& time : times_) {
    const Duration took = time.end - time.start;
    if (took >= shown_from) {
      text += fmt::format("{}{} {:.2f} s", text.empty() ? "" : ", ", time.stage,
                          std::chrono::duration<double>(took).count());
    }
  }
  return text;
}

}  // namespace murder::fleet
