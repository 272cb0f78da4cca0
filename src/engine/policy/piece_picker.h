// Which piece next: the rarest among the neighbours that is wanted and that this neighbour has,
// ties at random.
//
// Wanted pieces stand in one array, sorted by how many neighbours have them; within one
// availability the order is random. A neighbour that has everything counts for all pieces alike, so
// it is not counted at all. Changing an availability is O(1), (un)wanting is O(availabilities), a
// pick looks at the rarest first and stops at the first that the neighbour has.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "engine/base/bit_set.h"
#include "engine/base/fetch.h"
#include "engine/base/prng.h"
#include "engine/base/types.h"

namespace murder::policy {

class PiecePicker {
 public:
  // Nothing is wanted at first. availability_max bounds how many neighbours are counted.
  PiecePicker(uint32_t piece_count, uint32_t availability_max);

  // A neighbour (not a seed) has, or no longer has, the piece.
  void neighbour_has(PieceIndex piece, Prng& prng);
  void neighbour_lost(PieceIndex piece, Prng& prng);

  void want(PieceIndex piece, Prng& prng);
  void unwant(PieceIndex piece);
  [[nodiscard]] bool is_wanted(PieceIndex piece) const { return position_[piece.raw] != absent; }
  [[nodiscard]] uint32_t wanted_count() const { return static_cast<uint32_t>(order_.size()); }

  void fetch_ahead(PieceIndex piece) const {
    fetch(&position_[piece.raw]);
    fetch(&availability_[piece.raw]);
    fetch(bucket_end_.data());
  }

  // Neighbours that are not seeds and have it.
  [[nodiscard]] uint32_t availability(PieceIndex piece) const { return availability_[piece.raw]; }

  // Whether pick() would find one.
  [[nodiscard]] bool wants_any(const BitSet& neighbour_pieces) const {
    return wanted_.intersects(neighbour_pieces);
  }
  [[nodiscard]] std::optional<PieceIndex> pick(const BitSet& neighbour_pieces) const;
  // The same, but none of `excluded`.
  [[nodiscard]] std::optional<PieceIndex> pick(const BitSet& neighbour_pieces,
                                               const BitSet& excluded) const;
  // Which rule that must hold does not; empty when all do. Slow.
  [[nodiscard]] std::string_view check() const;

 private:
  static constexpr uint32_t absent = UINT32_MAX;

  [[nodiscard]] uint32_t bucket_begin(uint32_t availability) const {
    return availability == 0 ? 0 : bucket_end_[availability - 1];
  }
  void place(uint32_t position, uint32_t piece);
  void swap_positions(uint32_t left, uint32_t right);
  void shuffle_in(uint32_t position, uint32_t availability, Prng& prng);

  BitSet wanted_;
  std::vector<uint32_t> order_;     // wanted pieces, rarest first
  std::vector<uint32_t> position_;  // of each piece in order_, or absent
  std::vector<uint16_t> availability_;
  std::vector<uint32_t> bucket_end_;  // [a]: one past the last position of availability a
};

}  // namespace murder::policy
