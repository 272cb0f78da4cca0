#include "engine/swarm/rack_claims.h"

#include "engine/base/ensure.h"
#include "engine/swarm/bounds.h"

namespace murder::swarm {

RackClaims::RackClaims(uint32_t piece_count, uint32_t slot_count, bool active)
    : holders_(active ? piece_count : 0),
      claims_(active ? piece_count : 0),
      mates_(active ? slot_count : 0),
      covered_(active ? piece_count : 0) {
  ENSURE(slot_count <= UINT16_MAX);  // mates that have a piece are counted in 16 bits
}

void RackClaims::update(PieceIndex piece) {
  if (holders_[piece.raw] > 0 || claims_[piece.raw].slot != nobody) {
    covered_.set(piece.raw);
  } else {
    covered_.reset(piece.raw);
  }
}

void RackClaims::mate_has(PieceIndex piece, uint32_t slot) {
  ENSURE(holders_[piece.raw] < mates_.size());
  ++holders_[piece.raw];
  mates_[slot].failed = 0;
  uint32_t& claimer = claims_[piece.raw].slot;
  if (claimer != nobody) {
    ENSURE(mates_[claimer].claimed > 0);
    --mates_[claimer].claimed;
    claimer = nobody;
  }
  update(piece);
}

void RackClaims::mate_lost(PieceIndex piece) {
  ENSURE(holders_[piece.raw] > 0);
  --holders_[piece.raw];
  update(piece);
}

bool RackClaims::claim(PieceIndex piece, uint32_t slot, Instant now) {
  Mate& mate = mates_[slot];
  if (holders_[piece.raw] > 0 || claims_[piece.raw].slot != nobody ||
      mate.claimed + mate.failed >= limits::claims_per_mate_max) {
    return false;
  }
  ++mate.claimed;
  claims_[piece.raw] = {.slot = slot, .at = now};
  update(piece);
  return true;
}

bool RackClaims::unclaim(PieceIndex piece, uint32_t slot) {
  if (claims_[piece.raw].slot != slot) {
    return false;
  }
  ENSURE(mates_[slot].claimed > 0);
  claims_[piece.raw].slot = nobody;
  --mates_[slot].claimed;
  ++mates_[slot].failed;
  update(piece);
  return !covered_.test(piece.raw);
}

}  // namespace murder::swarm
