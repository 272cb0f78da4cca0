#include "engine/policy/first_copies.h"

#include <algorithm>

#include "engine/base/ensure.h"

namespace murder::policy {

std::optional<PieceIndex> FirstCopies::next(const PiecePicker& availability) {
  for (; first_to_give_ < pieces_.size(); ++first_to_give_) {
    if (pieces_[first_to_give_].state != State::to_give) {
      continue;
    }
    if (availability.availability({first_to_give_}) == 0) {
      return PieceIndex{first_to_give_};
    }
    seen({first_to_give_});
  }
  return std::nullopt;
}

void FirstCopies::give(PieceIndex piece, uint32_t slot, Instant now) {
  if (piece.raw < pieces_.size() && pieces_[piece.raw].state != State::seen) {
    pieces_[piece.raw] = {.state = State::given, .slot = slot, .given_at = now};
  }
}

void FirstCopies::take_back(PieceIndex piece) {
  if (piece.raw < pieces_.size() && pieces_[piece.raw].state == State::given) {
    pieces_[piece.raw].state = State::to_give;
    first_to_give_ = std::min(first_to_give_, piece.raw);
  }
}

void FirstCopies::seen(PieceIndex piece) {
  if (piece.raw < pieces_.size() && pieces_[piece.raw].state != State::seen) {
    ENSURE(unseen_count_ > 0);
    pieces_[piece.raw].state = State::seen;
    --unseen_count_;
  }
}

FirstCopy FirstCopies::said_by(PieceIndex piece, uint32_t slot) {
  if (piece.raw >= pieces_.size() || pieces_[piece.raw].slot == no_slot) {
    return {};
  }
  Piece& copy = pieces_[piece.raw];
  const uint32_t holder = copy.slot;
  if (holder == slot) {
    const bool is_first = !copy.is_held;
    copy.is_held = true;
    return {.kind = is_first ? CopyKind::first : CopyKind::other, .holder = holder};
  }
  if (!copy.is_held) {
    return {};  // by another way
  }
  copy.slot = no_slot;
  return {.kind = CopyKind::spread, .holder = holder};
}

void FirstCopies::taken(PieceIndex piece, uint32_t slot) {
  if (piece.raw < pieces_.size() && pieces_[piece.raw].slot != slot) {
    pieces_[piece.raw].slot = no_slot;
  }
}

void FirstCopies::lost(uint32_t slot) {
  for (uint32_t piece = 0; piece < pieces_.size(); ++piece) {
    if (pieces_[piece].slot == slot) {
      take_back({piece});
      pieces_[piece].slot = no_slot;
    }
  }
}

void FirstCopies::give_again(Duration after, Instant now) {
  for (uint32_t piece = 0; active() && piece < pieces_.size(); ++piece) {
    if (now - pieces_[piece].given_at > after) {
      take_back({piece});
    }
  }
}

}  // namespace murder::policy
