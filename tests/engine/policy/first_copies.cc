#include "engine/policy/first_copies.h"

#include <doctest/doctest.h>

using murder::Instant;
using murder::PieceIndex;
using murder::Prng;
using murder::policy::CopyKind;
using murder::policy::FirstCopies;
using murder::policy::FirstCopy;
using murder::policy::PiecePicker;
using namespace std::chrono_literals;

TEST_CASE("each piece is given once, in order, but those that a neighbour has") {
  FirstCopies copies(5, true);
  PiecePicker picker(5, 10);
  Prng prng(1);
  picker.neighbour_has({1}, prng);
  for (const uint32_t expected : {0U, 2U, 3U, 4U}) {
    REQUIRE(copies.next(picker) == PieceIndex{expected});
    copies.give({expected}, 7, Instant{1s});
  }
  CHECK_FALSE(copies.next(picker).has_value());
  CHECK(copies.active());  // nobody says that he has them
  for (const uint32_t piece : {0U, 2U, 3U, 4U}) {
    copies.seen({piece});
    copies.seen({piece});
  }
  CHECK_FALSE(copies.active());
}

TEST_CASE("what is declined, lost with its receiver or unheard of is given again") {
  FirstCopies copies(4, true);
  const PiecePicker picker(4, 10);
  for (uint32_t piece = 0; piece < 4; ++piece) {
    copies.give({piece}, piece, Instant{1s});
  }
  copies.take_back({2});
  CHECK(copies.next(picker) == PieceIndex{2});
  copies.give({2}, 5, Instant{2s});
  CHECK_FALSE(copies.next(picker).has_value());
  copies.seen({1});
  copies.lost(1);
  CHECK_FALSE(copies.next(picker).has_value());
  copies.lost(3);
  CHECK(copies.next(picker) == PieceIndex{3});
  copies.give({3}, 3, Instant{10s});
  copies.give_again(5s, Instant{10s});
  CHECK(copies.next(picker) == PieceIndex{0});
  copies.give({0}, 0, Instant{10s});
  CHECK(copies.next(picker) == PieceIndex{2});
}

TEST_CASE("who had not everything at the start gives no first copies") {
  FirstCopies copies(4, false);
  const PiecePicker picker(4, 10);
  copies.give({1}, 0, Instant{});
  copies.take_back({1});
  copies.seen({1});
  copies.lost(0);
  copies.give_again(0s, Instant{1s});
  CHECK_FALSE(copies.active());
  CHECK_FALSE(copies.next(picker).has_value());
}

TEST_CASE("who was given a piece is known to have it, and to have passed it on, once") {
  FirstCopies copies(2, true);
  copies.give({0}, 7, Instant{1s});
  CHECK(copies.said_by({0}, 8).kind == CopyKind::other);  // before its holder: from elsewhere
  CHECK(copies.said_by({1}, 8).kind == CopyKind::other);  // nobody was given it
  CHECK(copies.said_by({0}, 7).kind == CopyKind::first);
  CHECK(copies.said_by({0}, 7).kind == CopyKind::other);
  const FirstCopy spread = copies.said_by({0}, 9);
  CHECK(spread.kind == CopyKind::spread);
  CHECK(spread.holder == 7);
  CHECK(copies.said_by({0}, 10).kind == CopyKind::other);
}

TEST_CASE(
    "a first copy has no holder any more when he is gone, or another took the piece from us") {
  FirstCopies copies(3, true);
  for (uint32_t piece = 0; piece < 3; ++piece) {
    copies.give({piece}, 7, Instant{1s});
    copies.seen({piece});
    CHECK(copies.said_by({piece}, 7).kind == CopyKind::first);
  }
  copies.taken({0}, 7);
  CHECK(copies.said_by({0}, 8).kind == CopyKind::spread);
  copies.taken({1}, 8);
  CHECK(copies.said_by({1}, 9).kind == CopyKind::other);
  copies.lost(7);
  CHECK(copies.said_by({2}, 8).kind == CopyKind::other);
}
