// A seeder's first pass: each piece to one neighbour, in order, so that every piece is out as early
// as can be and no link is spent on a second copy.
//
// A piece is in exactly one state: to give -> given (to a session's slot) -> seen (a neighbour says
// it has it). What is not taken, or is lost with the one it was given to, is to give again. Pure;
// nothing allocates after construction.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "engine/base/instant.h"
#include "engine/base/types.h"
#include "engine/policy/piece_picker.h"

namespace murder::policy {

// What it tells of a neighbour's first copies that somebody says he has a piece.
enum class CopyKind : uint8_t {
  other,   // nothing
  first,   // the holder, who was given the piece, has it
  spread,  // the holder passed it on
};
struct FirstCopy {
  CopyKind kind = CopyKind::other;
  uint32_t holder = 0;  // slot of the one that was given it
};

class FirstCopies {
 public:
  // Not active: there is nothing to give, ever.
  FirstCopies(uint32_t piece_count, bool active)
      : pieces_(active ? piece_count : 0), unseen_count_(active ? piece_count : 0) {}

  // The next piece that no neighbour has and that is to be given; nullopt when all are.
  [[nodiscard]] std::optional<PieceIndex> next(const PiecePicker& availability);
  void give(PieceIndex piece, uint32_t slot, Instant now);
  // It was not taken.
  void take_back(PieceIndex piece);
  // A neighbour has it.
  void seen(PieceIndex piece);
  // The session in the slot announced the piece.
  [[nodiscard]] FirstCopy said_by(PieceIndex piece, uint32_t slot);
  // The session in the slot takes it from us: nobody knows any more where others have it from.
  void taken(PieceIndex piece, uint32_t slot);
  // The session in the slot is gone: what only it was given is to be given again.
  void lost(uint32_t slot);
  // So is what was given this long ago and no neighbour has announced since.
  void give_again(Duration after, Instant now);

  // Some piece is not known to be at a neighbour.
  [[nodiscard]] bool active() const { return unseen_count_ > 0; }

 private:
  static constexpr uint32_t no_slot = UINT32_MAX;
  enum class State : uint8_t { to_give, given, seen };
  struct Piece {
    State state = State::to_give;
    uint32_t slot = no_slot;  // that it was given to
    bool is_held = false;     // there
    Instant given_at{};
  };

  std::vector<Piece> pieces_;
  uint32_t first_to_give_ = 0;  // none before it is to be given
  uint32_t unseen_count_;
};

}  // namespace murder::policy
