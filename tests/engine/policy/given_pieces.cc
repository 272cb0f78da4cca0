#include "engine/policy/given_pieces.h"

#include <doctest/doctest.h>

using murder::Instant;
using murder::policy::GivenPieces;
using namespace std::chrono_literals;

TEST_CASE("one that never says HAVE is given one piece") {
  GivenPieces given;
  const Instant now{1s};
  CHECK(given.may_have_more(0));
  CHECK_FALSE(given.may_have_more(1));
  given.gave(7, now);
  CHECK_FALSE(given.may_have_more(0));
  given.has(8, now);  // not one of ours
  CHECK(given.confirmed() == 0);
  CHECK_FALSE(given.may_have_more(0));
}

TEST_CASE("what may be unconfirmed grows with what is confirmed, to a bound") {
  GivenPieces given;
  const Instant now{1s};
  given.gave(1, now);
  given.has(1, now);
  CHECK(given.unconfirmed() == 0);
  CHECK(given.may_have_more(4));
  CHECK_FALSE(given.may_have_more(5));
  for (uint32_t piece = 2; piece < 100; ++piece) {
    given.gave(piece, now);
    given.has(piece, now);
  }
  CHECK(given.may_have_more(GivenPieces::unconfirmed_max - 1));
  CHECK_FALSE(given.may_have_more(GivenPieces::unconfirmed_max));
}

TEST_CASE("what was given beyond the bound forgets the oldest") {
  GivenPieces given;
  const Instant now{1s};
  for (uint32_t piece = 0; piece <= GivenPieces::unconfirmed_max; ++piece) {
    given.gave(piece, now);
  }
  CHECK(given.unconfirmed() == GivenPieces::unconfirmed_max);
  given.has(0, now);
  CHECK(given.confirmed() == 0);
  given.has(1, now);
  CHECK(given.confirmed() == 1);
}

TEST_CASE("what is never confirmed is forgotten after long") {
  GivenPieces given;
  given.gave(1, Instant{1s});
  given.gave(2, Instant{1s});
  given.forget(Instant{31s});
  CHECK_FALSE(given.may_have_more(0));
  given.forget(Instant{32s});
  CHECK(given.unconfirmed() == 0);
  CHECK(given.may_have_more(0));
}
