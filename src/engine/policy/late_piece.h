// Whether a piece takes so long that a second copy of it is worth fetching, when nothing else is
// left to fetch. Pure.
#pragma once

#include <cstdint>

#include "engine/base/ensure.h"
#include "engine/base/instant.h"

namespace murder::policy {

struct PieceProgress {
  Duration elapsed{};  // since it was begun
  Duration usual{};    // what a piece takes with all slots busy; 0: not known
  uint32_t unit_count = 0;
  uint32_t received_count = 0;
};

[[nodiscard]] inline bool is_late(const PieceProgress& piece) {
  constexpr double late_after = 1.5;  // usual times of a piece, for what is left
  constexpr Duration usual_unknown = std::chrono::milliseconds(300);
  ENSURE(piece.received_count <= piece.unit_count);
  const Duration usual = piece.usual > Duration{} ? piece.usual : usual_unknown;
  const double elapsed = seconds_of(piece.elapsed);
  const double received = piece.received_count;
  const double left = piece.unit_count - received;
  const double expected = received > 0 ? elapsed * left / received : elapsed;
  return piece.elapsed > usual && expected > late_after * seconds_of(usual);
}

}  // namespace murder::policy
