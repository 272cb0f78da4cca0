#include "engine/policy/exchange.h"

#include <doctest/doctest.h>

using murder::policy::Exchange;
using murder::policy::only_takes;
using murder::policy::points_of_peer;

TEST_CASE("a neighbour may take a piece, and four for each that it gave, once takers were seen") {
  CHECK_FALSE(only_takes({}, true));
  CHECK_FALSE(only_takes({.took_points = 3}, true));
  CHECK(only_takes({.took_points = points_of_peer}, true));
  CHECK_FALSE(only_takes({.took_points = 100}, false));
  CHECK_FALSE(only_takes({.took_points = 4 * points_of_peer, .gave_pieces = 1}, true));
  CHECK(only_takes({.took_points = 5 * points_of_peer, .gave_pieces = 1}, true));
  CHECK_FALSE(only_takes({.took_points = 80'000, .gave_pieces = 5'000}, true));
}

TEST_CASE("two first copies that nobody else has are one too many, unless as many were spread") {
  for (const bool is_strict : {false, true}) {
    CHECK_FALSE(only_takes({.first_copies = 1}, is_strict));
    CHECK(only_takes({.first_copies = 2}, is_strict));
    CHECK_FALSE(only_takes({.first_copies = 2, .spread_copies = 1}, is_strict));
    CHECK(only_takes({.first_copies = 3, .spread_copies = 1}, is_strict));
    CHECK_FALSE(only_takes({.first_copies = 20, .spread_copies = 10}, is_strict));
    CHECK(only_takes({.first_copies = 21, .spread_copies = 10}, is_strict));
  }
}
