// Where each piece is, as this shard sees it, and how many neighbours have it.
//
// A piece is in exactly one state: missing (the picker may choose it), active (in one or, near the
// end, two buffers), elsewhere (another shard fetches it) or had. What is had is stored a moment
// later. Owned by the swarm; nothing allocates after construction.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "engine/base/bit_set.h"
#include "engine/base/ensure.h"
#include "engine/base/prng.h"
#include "engine/base/types.h"
#include "engine/policy/piece_picker.h"

namespace murder::swarm {

class PieceTable {
 public:
  enum class State : uint8_t { missing, active, elsewhere, had };

  // `have` are had and stored; the others are missing, in an order at random.
  PieceTable(const BitSet& have, uint32_t sessions_max, Prng& prng);

  [[nodiscard]] uint32_t count() const { return have_.size(); }
  [[nodiscard]] State state(PieceIndex piece) const { return states_[piece.raw]; }
  [[nodiscard]] const BitSet& have() const { return have_; }
  [[nodiscard]] const BitSet& stored() const { return stored_; }
  // Missing pieces, by how rare they are.
  [[nodiscard]] const policy::PiecePicker& picker() const { return picker_; }

  void mark_active(PieceIndex piece);
  // False: it was missing already.
  bool mark_missing(PieceIndex piece, Prng& prng);
  void mark_elsewhere(PieceIndex piece);
  void mark_have(PieceIndex piece);
  void mark_stored(PieceIndex piece) {
    ENSURE(have_.test(piece.raw));
    stored_.set(piece.raw);
  }

  // It failed with several contributors: it is fetched from one next time.
  void mark_suspicious(PieceIndex piece) { suspicious_.set(piece.raw); }
  [[nodiscard]] bool is_suspicious(PieceIndex piece) const { return suspicious_.test(piece.raw); }

  // A neighbour that does not have everything has it, or has it no longer.
  void neighbour_has(PieceIndex piece, Prng& prng) { picker_.neighbour_has(piece, prng); }
  void neighbour_lost(PieceIndex piece, Prng& prng) { picker_.neighbour_lost(piece, prng); }

  void fetch_ahead(PieceIndex piece) const {
    have_.fetch_ahead(piece.raw);
    picker_.fetch_ahead(piece);
  }
  // Which rule that must hold does not; empty when all do. Slow.
  [[nodiscard]] std::string_view check() const;

 private:
  BitSet have_;
  BitSet stored_;
  BitSet suspicious_;
  std::vector<State> states_;
  policy::PiecePicker picker_;
};

}  // namespace murder::swarm
