// The pieces given to a neighbour that it has not confirmed yet: a host sends HAVE for each piece
// that it verified, so one that takes and sends none keeps what it takes from others. How much may
// be unconfirmed grows with what it confirmed. Nothing allocates. Pure.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

#include "engine/base/ensure.h"
#include "engine/base/instant.h"

namespace murder::policy {

class GivenPieces {
 public:
  static constexpr uint32_t unconfirmed_max = 16;

  // All of it was sent, or it said that it is nearly there. Of more than the bound the oldest is
  // forgotten.
  void gave(uint32_t piece, Instant now) {
    if (count_ == unconfirmed_max) {
      remove(0);
    }
    ENSURE(count_ < unconfirmed_max);
    pieces_[count_++] = piece;
    changed_at_ = now;
  }
  // It says that it has the piece.
  void has(uint32_t piece, Instant now) {
    for (uint32_t position = 0; position < count_; ++position) {
      if (pieces_[position] == piece) {
        remove(position);
        ++confirmed_;
        changed_at_ = now;
        return;
      }
    }
  }
  // What is never confirmed may have failed for another's fault.
  void forget(Instant now) {
    if (count_ > 0 && now - changed_at_ > forgotten_after) {
      count_ = 0;
    }
  }
  // Whether it may have one more, `open` being promised or under way.
  [[nodiscard]] bool may_have_more(uint32_t open) const {
    return open + count_ < std::min(allowed_first + allowed_each * confirmed_, unconfirmed_max);
  }
  [[nodiscard]] uint32_t unconfirmed() const { return count_; }
  [[nodiscard]] uint32_t confirmed() const { return confirmed_; }

 private:
  static constexpr uint32_t allowed_first = 1;
  static constexpr uint32_t allowed_each = 4;
  static constexpr Duration forgotten_after = std::chrono::seconds(30);

  void remove(uint32_t position) {
    ENSURE(position < count_);
    std::move(pieces_.begin() + position + 1, pieces_.begin() + count_, pieces_.begin() + position);
    --count_;
  }

  std::array<uint32_t, unconfirmed_max> pieces_{};  // oldest first
  uint32_t count_ = 0;
  uint32_t confirmed_ = 0;
  Instant changed_at_{};
};

}  // namespace murder::policy
