#include "engine/policy/piece_picker.h"

#include <doctest/doctest.h>

#include <map>
#include <vector>

using murder::BitSet;
using murder::PieceIndex;
using murder::Prng;
using murder::policy::PiecePicker;

namespace {

constexpr uint32_t piece_count = 70;
constexpr uint32_t neighbours_max = 12;

// The same in the plainest way.
struct Model {
  std::vector<uint32_t> availability = std::vector<uint32_t>(piece_count, 0);
  std::vector<bool> wanted = std::vector<bool>(piece_count, false);

  // The least availability of a piece that is wanted and in `has`; UINT32_MAX when there is none.
  uint32_t rarest(const BitSet& has) const {
    uint32_t least = UINT32_MAX;
    for (uint32_t piece = 0; piece < piece_count; ++piece) {
      if (wanted[piece] && has.test(piece)) {
        least = std::min(least, availability[piece]);
      }
    }
    return least;
  }
};

void check_against(const PiecePicker& picker, const Model& model, Prng& prng) {
  BitSet has(piece_count);
  const uint32_t share = prng.below(5);
  for (uint32_t piece = 0; piece < piece_count; ++piece) {
    if (prng.below(4) < share) {
      has.set(piece);
    }
  }
  const auto picked = picker.pick(has);
  const uint32_t rarest = model.rarest(has);
  REQUIRE(picked.has_value() == (rarest != UINT32_MAX));
  if (picked) {
    REQUIRE(model.wanted[picked->raw]);
    REQUIRE(has.test(picked->raw));
    REQUIRE(model.availability[picked->raw] == rarest);
  }
  // The same with some left out.
  BitSet excluded(piece_count);
  BitSet rest = has;
  for (uint32_t piece = 0; piece < piece_count; ++piece) {
    if (prng.below(3) == 0) {
      excluded.set(piece);
      rest.reset(piece);
    }
  }
  const auto other = picker.pick(has, excluded);
  REQUIRE(other == picker.pick(rest));
  uint32_t wanted_count = 0;
  bool same = true;
  for (uint32_t piece = 0; piece < piece_count; ++piece) {
    same = same && picker.is_wanted({piece}) == model.wanted[piece] &&
           picker.availability({piece}) == model.availability[piece];
    wanted_count += model.wanted[piece] ? 1U : 0U;
  }
  REQUIRE(same);
  REQUIRE(picker.wanted_count() == wanted_count);
}

}  // namespace

TEST_CASE("the picked piece is the rarest that is wanted and had, after any operations") {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    CAPTURE(seed);
    Prng prng(seed);
    PiecePicker picker(piece_count, neighbours_max);
    Model model;
    for (int step = 0; step < 3000; ++step) {
      const PieceIndex piece{prng.below(piece_count)};
      switch (prng.below(4)) {
        case 0:
          if (model.availability[piece.raw] < neighbours_max) {
            picker.neighbour_has(piece, prng);
            ++model.availability[piece.raw];
          }
          break;
        case 1:
          if (model.availability[piece.raw] > 0) {
            picker.neighbour_lost(piece, prng);
            --model.availability[piece.raw];
          }
          break;
        case 2:
          if (!model.wanted[piece.raw]) {
            picker.want(piece, prng);
            model.wanted[piece.raw] = true;
          }
          break;
        default:
          if (model.wanted[piece.raw]) {
            picker.unwant(piece);
            model.wanted[piece.raw] = false;
          }
      }
      check_against(picker, model, prng);
    }
  }
}

TEST_CASE("what is left comes out in the order of rarity") {
  Prng prng(7);
  PiecePicker picker(piece_count, neighbours_max);
  for (uint32_t piece = 0; piece < piece_count; ++piece) {
    picker.want({piece}, prng);
    for (uint32_t copy = prng.below(neighbours_max); copy > 0; --copy) {
      picker.neighbour_has({piece}, prng);
    }
  }
  BitSet all(piece_count);
  all.set_all();
  uint32_t before = 0;
  for (uint32_t count = 0; count < piece_count; ++count) {
    const auto picked = picker.pick(all);
    REQUIRE(picked);
    CHECK(picker.availability(*picked) >= before);
    before = picker.availability(*picked);
    picker.unwant(*picked);
  }
  CHECK_FALSE(picker.pick(all));
}

TEST_CASE("pieces that are equally rare are picked equally often") {
  constexpr uint32_t count = 8;
  constexpr uint32_t rounds = 8000;
  std::map<uint32_t, uint32_t> picked;
  Prng prng(3);
  BitSet all(count);
  all.set_all();
  for (uint32_t round = 0; round < rounds; ++round) {
    PiecePicker picker(count, 4);
    for (uint32_t piece = 0; piece < count; ++piece) {
      picker.want({piece}, prng);
    }
    // Pieces 0 to 3 become common; of the others each was common for a while.
    for (uint32_t piece = 0; piece < count; ++piece) {
      picker.neighbour_has({piece}, prng);
    }
    for (uint32_t piece = 4; piece < count; ++piece) {
      picker.neighbour_lost({piece}, prng);
    }
    ++picked[picker.pick(all)->raw];
  }
  CHECK(picked.size() == 4);
  for (const auto& entry : picked) {
    CAPTURE(entry.first);
    CHECK(entry.first >= 4);
    CHECK(entry.second > rounds / 4 * 9 / 10);
    CHECK(entry.second < rounds / 4 * 11 / 10);
  }
}

TEST_CASE("a release without pieces has nothing to pick") {
  PiecePicker picker(0, 4);
  CHECK_FALSE(picker.pick(BitSet(0)));
  CHECK(picker.wanted_count() == 0);
}
