// Whether a granted piece comes fast enough to hold what it holds. Judged by payload, against what
// a piece usually takes here and against what others brought meanwhile: a source that sends a byte
// now and then is as bad as one that sends none. Pure.
#pragma once

#include <algorithm>
#include <cstdint>

#include "engine/base/instant.h"

namespace murder::policy {

struct PiecePace {
  Duration elapsed{};           // since its requests went out
  Duration usual{};             // what a piece takes with all slots busy; 0: not known
  uint32_t size_bytes = 0;      // of the piece
  uint32_t received_bytes = 0;  // of it since then, the block that is coming in included
  uint32_t others_moved = 0;    // pieces that came from others since then
};

enum class PieceVerdict : uint8_t {
  fine,
  late,      // it must not hold a slot any longer
  hopeless,  // it is to be fetched elsewhere, if somebody else has it
};

[[nodiscard]] inline PieceVerdict judge_pace(const PiecePace& pace) {
  constexpr Duration unknown_late = std::chrono::milliseconds(150);
  constexpr Duration unknown_hopeless = std::chrono::milliseconds(300);
  constexpr Duration unknown_hopeless_alone = std::chrono::milliseconds(600);
  constexpr uint32_t unknown_bytes = 16 * 1024;  // one that brings this much by then is not judged
  if (pace.usual <= Duration{}) {
    if (pace.elapsed <= unknown_late || pace.received_bytes >= unknown_bytes) {
      return PieceVerdict::fine;
    }
    const bool is_hopeless = pace.elapsed > unknown_hopeless_alone ||
                             (pace.elapsed > unknown_hopeless && pace.others_moved > 0);
    return is_hopeless ? PieceVerdict::hopeless : PieceVerdict::late;
  }
  constexpr int late_after = 4;  // usual times of a piece
  constexpr int hopeless_after = 6;
  constexpr int hopeless_alone_after = 32;  // when nobody else brought anything meanwhile
  constexpr uint32_t others_enough = 4;
  constexpr Duration late_min = std::chrono::milliseconds(150);
  constexpr Duration hopeless_min = std::chrono::milliseconds(300);
  constexpr Duration hopeless_alone_min = std::chrono::seconds(2);
  if (pace.elapsed <= std::max(late_after * pace.usual, late_min)) {
    return PieceVerdict::fine;
  }
  const double received = std::max(pace.received_bytes, 1U);
  const double left = pace.size_bytes - std::min(received, static_cast<double>(pace.size_bytes));
  const double left_seconds = seconds_of(pace.elapsed) * left / received;
  const bool ends_soon = left_seconds < late_after * seconds_of(pace.usual);
  const bool others_were_faster =
      pace.others_moved >= others_enough &&
      pace.elapsed > std::max(hopeless_after * pace.usual, hopeless_min);
  const bool is_endless =
      pace.elapsed > std::max(hopeless_alone_after * pace.usual, hopeless_alone_min);
  return !ends_soon && (others_were_faster || is_endless) ? PieceVerdict::hopeless
                                                          : PieceVerdict::late;
}

}  // namespace murder::policy
