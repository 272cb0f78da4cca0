#include "engine/swarm/rack_claims.h"

namespace murder::swarm {

RackClaims::RackClaims(uint32_t piece_count, bool active)
    : holders_(active ? piece_count : 0),
      claims_(active ? piece_count : 0),
      covered_(active ? piece_count : 0) {}

void RackClaims::update(PieceIndex piece) {
  if (holders_[piece.raw] > 0 || claims_[piece.raw].slot != nobody) {
    covered_.set(piece.raw);
  } else {
    covered_.reset(piece.raw);
  }
}

void RackClaims::mate_has(PieceIndex piece) {
  ++holders_[piece.raw];
  claims_[piece.raw].slot = nobody;
  update(piece);
}

void RackClaims::mate_lost(PieceIndex piece) {
  --holders_[piece.raw];
  update(piece);
}

bool RackClaims::claim(PieceIndex piece, uint32_t slot, Instant now) {
  if (holders_[piece.raw] > 0 || claims_[piece.raw].slot != nobody) {
    return false;
  }
  claims_[piece.raw] = {.slot = slot, .at = now};
  update(piece);
  return true;
}

bool RackClaims::unclaim(PieceIndex piece, uint32_t slot) {
  if (claims_[piece.raw].slot != slot) {
    return false;
  }
  claims_[piece.raw].slot = nobody;
  update(piece);
  return !covered_.test(piece.raw);
}

}  // namespace murder::swarm
