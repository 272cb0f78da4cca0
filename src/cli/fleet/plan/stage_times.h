// When the stages of a deploy began and ended. They overlap. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/base/instant.h"

namespace murder::fleet {

struct StageTime {
  std::string stage;
  Duration start{};  // since the deploy began
  Duration end{};
};

class StageTimes {
 public:
  explicit StageTimes(Instant start) : start_(start) {}

  // The first begin and the last end of a stage count.
  void begin(std::string_view stage, Instant now);
  void end(std::string_view stage, Instant now);

  // In the order in which they began.
  [[nodiscard]] const std::vector<StageTime>& list() const { return times_; }
  // "packing 0.2 s, connecting 0.5 s, ..."; what took less than 10 ms is left out.
  [[nodiscard]] std::string text() const;

 private:
  Instant start_;
  std::vector<StageTime> times_;
};

}  // namespace murder::fleet
