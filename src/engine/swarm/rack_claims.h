// What the hosts of this rack have or fetch from outside: the links out of a rack are the narrow
// ones, so a piece is to cross them once. Owned by the swarm; nothing allocates after construction.
//
// A piece is covered when a rack mate has it or has claimed it. A mate may claim as many pieces as
// it can have under way; what it gave up, or never brought, counts against that until it has a
// piece.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/base/bit_set.h"
#include "engine/base/ensure.h"
#include "engine/base/instant.h"
#include "engine/base/types.h"

namespace murder::swarm {

class RackClaims {
 public:
  // Not active: no rack is known, and nothing is ever covered.
  RackClaims(uint32_t piece_count, uint32_t slot_count, bool active);

  [[nodiscard]] bool active() const { return !holders_.empty(); }
  [[nodiscard]] const BitSet& covered() const { return covered_; }
  [[nodiscard]] bool covers(PieceIndex piece) const { return active() && covered_.test(piece.raw); }
  [[nodiscard]] uint32_t mate_count() const { return mate_count_; }

  void mate_joined() { ++mate_count_; }
  void mate_left() {
    ENSURE(mate_count_ > 0);
    --mate_count_;
  }
  void mate_has(PieceIndex piece, uint32_t slot);
  void mate_lost(PieceIndex piece);
  // The mate in this slot fetches it; true when that is news, and the mate may claim more.
  bool claim(PieceIndex piece, uint32_t slot, Instant now);
  // It does not any more; true when the piece is no longer covered.
  bool unclaim(PieceIndex piece, uint32_t slot);
  // Claims older than this are void. Calls freed(piece) for each that covered its piece.
  template <typename Freed>
  void expire(Duration after, Instant now, Freed&& freed) {
    for (uint32_t piece = 0; piece < claims_.size(); ++piece) {
      if (claims_[piece].slot != nobody && now - claims_[piece].at > after &&
          unclaim({piece}, claims_[piece].slot)) {
        freed(PieceIndex{piece});
      }
    }
  }
  // All claims of the slot are void. Calls freed(piece) for each that covered its piece.
  template <typename Freed>
  void drop(uint32_t slot, Freed&& freed) {
    for (uint32_t piece = 0; piece < claims_.size(); ++piece) {
      if (claims_[piece].slot == slot && unclaim({piece}, slot)) {
        freed(PieceIndex{piece});
      }
    }
    ENSURE(mates_[slot].claimed == 0);
    mates_[slot] = {};
  }
  [[nodiscard]] uint32_t holders(PieceIndex piece) const { return holders_[piece.raw]; }

 private:
  static constexpr uint32_t nobody = UINT32_MAX;
  struct Claim {
    uint32_t slot = nobody;
    Instant at{};
  };

  struct Mate {
    uint32_t claimed = 0;
    uint32_t failed = 0;  // claims that came to nothing since it last had a piece
  };

  void update(PieceIndex piece);

  std::vector<uint16_t> holders_;  // mates that have it
  std::vector<Claim> claims_;
  std::vector<Mate> mates_;  // by slot
  BitSet covered_;
  uint32_t mate_count_ = 0;
};

}  // namespace murder::swarm
