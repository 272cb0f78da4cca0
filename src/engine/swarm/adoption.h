// Whether a session may go on with a piece that another left half done.
#pragma once

#include "engine/swarm/active_pieces.h"
#include "engine/swarm/session.h"

namespace murder::swarm {

// One contributor alone where wrong data must have one culprit; otherwise anybody who has the
// piece.
[[nodiscard]] inline bool may_adopt(const ActivePiece& active, const Session& session) {
  const bool untouched = active.missing_count == active.unit_count;
  return active.state == ActivePiece::State::receiving && active.owner.is_none() &&
         active.missing_count > 0 && session.pieces.test(active.piece.raw) &&
         (untouched || (!active.solo && !session.suspect));
}

}  // namespace murder::swarm
