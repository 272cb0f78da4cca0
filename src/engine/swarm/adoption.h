// Whether a session may continue a piece that another left half done.
#pragma once

#include "engine/policy/adoption.h"
#include "engine/swarm/active_pieces.h"
#include "engine/swarm/session.h"

namespace murder::swarm {

[[nodiscard]] inline bool may_adopt(const ActivePiece& active, const Session& session) {
  return policy::may_adopt(
      {.is_orphan = active.state == ActivePiece::State::receiving && active.owner.is_none(),
       .misses_some = active.missing_count > 0,
       .is_untouched = active.missing_count == active.unit_count,
       .is_solo = active.solo},
      {.has_piece = session.pieces.test(active.piece.raw), .is_suspect = session.suspect});
}

}  // namespace murder::swarm
