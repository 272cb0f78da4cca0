#include "engine/policy/piece_picker.h"

#include <utility>

#include "engine/base/ensure.h"

namespace murder::policy {

PiecePicker::PiecePicker(uint32_t piece_count, uint32_t availability_max)
    : wanted_(piece_count),
      position_(piece_count, absent),
      availability_(piece_count, 0),
      bucket_end_(availability_max + 1, 0) {
  ENSURE(availability_max < UINT16_MAX);
  order_.reserve(piece_count);
}

void PiecePicker::place(uint32_t position, uint32_t piece) {
  order_[position] = piece;
  position_[piece] = position;
}

void PiecePicker::swap_positions(uint32_t left, uint32_t right) {
  const uint32_t piece = order_[left];
  place(left, order_[right]);
  place(right, piece);
}

void PiecePicker::shuffle_in(uint32_t position, uint32_t availability, Prng& prng) {
  const uint32_t begin = bucket_begin(availability);
  ENSURE(begin <= position && position < bucket_end_[availability]);
  swap_positions(position, begin + prng.below(bucket_end_[availability] - begin));
}

void PiecePicker::neighbour_has(PieceIndex piece, Prng& prng) {
  const uint32_t before = availability_[piece.raw]++;
  ENSURE(before + 1 < bucket_end_.size());
  if (!is_wanted(piece)) {
    return;
  }
  // The piece becomes the last of its bucket, then the boundary moves down over it.
  swap_positions(position_[piece.raw], bucket_end_[before] - 1);
  --bucket_end_[before];
  shuffle_in(position_[piece.raw], before + 1, prng);
}

void PiecePicker::neighbour_lost(PieceIndex piece, Prng& prng) {
  ENSURE(availability_[piece.raw] > 0);
  const uint32_t before = availability_[piece.raw]--;
  if (!is_wanted(piece)) {
    return;
  }
  swap_positions(position_[piece.raw], bucket_begin(before));
  ++bucket_end_[before - 1];
  shuffle_in(position_[piece.raw], before - 1, prng);
}

void PiecePicker::want(PieceIndex piece, Prng& prng) {
  ENSURE(!is_wanted(piece));
  const uint32_t availability = availability_[piece.raw];
  wanted_.set(piece.raw);
  auto hole = static_cast<uint32_t>(order_.size());
  order_.push_back(piece.raw);
  // Each bucket above gives its first place away and takes the hole at its end.
  for (auto bucket = static_cast<uint32_t>(bucket_end_.size()) - 1; bucket > availability;
       --bucket) {
    const uint32_t begin = bucket_begin(bucket);
    if (begin < bucket_end_[bucket]) {
      place(hole, order_[begin]);
      hole = begin;
    }
    ++bucket_end_[bucket];
  }
  place(hole, piece.raw);
  ++bucket_end_[availability];
  shuffle_in(hole, availability, prng);
}

void PiecePicker::unwant(PieceIndex piece) {
  ENSURE(is_wanted(piece));
  const uint32_t availability = availability_[piece.raw];
  wanted_.reset(piece.raw);
  uint32_t hole = position_[piece.raw];
  ENSURE(hole >= bucket_begin(availability) && hole < bucket_end_[availability]);
  for (uint32_t bucket = availability; bucket < bucket_end_.size(); ++bucket) {
    const uint32_t last = bucket_end_[bucket] - 1;
    if (hole != last) {
      place(hole, order_[last]);
      hole = last;
    }
    --bucket_end_[bucket];
  }
  ENSURE(hole + 1 == order_.size());
  order_.pop_back();
  position_[piece.raw] = absent;
}

std::optional<PieceIndex> PiecePicker::pick(const BitSet& neighbour_pieces) const {
  if (!wants_any(neighbour_pieces)) {
    return std::nullopt;
  }
  for (const uint32_t piece : order_) {
    if (neighbour_pieces.test(piece)) {
      return PieceIndex{piece};
    }
  }
  return std::nullopt;
}

std::optional<PieceIndex> PiecePicker::pick(const BitSet& neighbour_pieces,
                                            const BitSet& excluded) const {
  ENSURE(neighbour_pieces.size() == wanted_.size() && excluded.size() == wanted_.size());
  const std::span<const uint64_t> wanted = wanted_.words();
  const std::span<const uint64_t> offered = neighbour_pieces.words();
  const std::span<const uint64_t> left_out = excluded.words();
  bool any = false;
  for (size_t word = 0; word < wanted.size() && !any; ++word) {
    any = (wanted[word] & offered[word] & ~left_out[word]) != 0;
  }
  if (!any) {
    return std::nullopt;
  }
  for (const uint32_t piece : order_) {
    if (neighbour_pieces.test(piece) && !excluded.test(piece)) {
      return PieceIndex{piece};
    }
  }
  return std::nullopt;
}

std::string_view PiecePicker::check() const {
  uint32_t availability = 0;
  for (uint32_t position = 0; position < order_.size(); ++position) {
    const uint32_t piece = order_[position];
    if (position_[piece] != position || !wanted_.test(piece)) {
      return "a piece is not at the place that is noted of it";
    }
    while (availability < bucket_end_.size() && bucket_end_[availability] <= position) {
      ++availability;
    }
    if (availability_[piece] != availability) {
      return "wanted pieces are not in the order of their availability";
    }
  }
  return wanted_.count() != order_.size() || bucket_end_.back() != order_.size()
             ? "the wanted pieces are not those that are in order"
             : std::string_view();
}

}  // namespace murder::policy
