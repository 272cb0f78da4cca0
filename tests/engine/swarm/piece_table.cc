#include "engine/swarm/piece_table.h"

#include <doctest/doctest.h>

using murder::BitSet;
using murder::PieceIndex;
using murder::Prng;
using murder::swarm::PieceTable;

namespace {

BitSet pieces(std::initializer_list<uint32_t> set) {
  BitSet bits(8);
  for (const uint32_t piece : set) {
    bits.set(piece);
  }
  return bits;
}

}  // namespace

TEST_CASE("what is there at the start is had and stored, the rest is wanted") {
  Prng prng(1);
  const PieceTable table(pieces({2, 5}), 4, prng);
  CHECK(table.have().count() == 2);
  CHECK(table.stored().test(5));
  CHECK(table.state({2}) == PieceTable::State::had);
  CHECK(table.state({3}) == PieceTable::State::missing);
  CHECK(table.picker().wanted_count() == 6);
  CHECK(table.check() == "");
}

TEST_CASE("a piece is missing, active, elsewhere or had, and wanted while it is missing") {
  Prng prng(1);
  PieceTable table(pieces({}), 4, prng);
  const PieceIndex piece{3};
  table.mark_active(piece);
  CHECK(table.state(piece) == PieceTable::State::active);
  CHECK(!table.picker().is_wanted(piece));
  CHECK(table.mark_missing(piece, prng));
  CHECK(!table.mark_missing(piece, prng));
  CHECK(table.picker().is_wanted(piece));
  table.mark_active(piece);
  table.mark_elsewhere(piece);
  CHECK(!table.picker().is_wanted(piece));
  CHECK(table.mark_missing(piece, prng));
  CHECK(table.check() == "");
  SUBCASE("had while it was fetched") {
    table.mark_active(piece);
  }
  SUBCASE("had while it was missing: another shard stored it") {}
  table.mark_have(piece);
  CHECK(table.state(piece) == PieceTable::State::had);
  CHECK(!table.picker().is_wanted(piece));
  CHECK(!table.stored().test(piece.raw));
  table.mark_stored(piece);
  CHECK(table.stored().test(piece.raw));
  CHECK(table.check() == "");
}

TEST_CASE("a piece that failed with several contributors stays suspicious, the others are not") {
  Prng prng(1);
  PieceTable table(pieces({}), 4, prng);
  table.mark_suspicious({4});
  CHECK(table.is_suspicious({4}));
  CHECK(!table.is_suspicious({3}));
}

TEST_CASE("the rarest piece is the one that fewest neighbours have") {
  Prng prng(1);
  PieceTable table(pieces({}), 4, prng);
  BitSet all(8);
  all.set_all();
  for (uint32_t piece = 0; piece < 8; ++piece) {
    table.neighbour_has({piece}, prng);
    if (piece != 6) {
      table.neighbour_has({piece}, prng);
    }
  }
  CHECK(table.picker().pick(all) == PieceIndex{6});
  table.neighbour_lost({2}, prng);
  table.neighbour_lost({2}, prng);
  CHECK(table.picker().pick(all) == PieceIndex{2});
}
