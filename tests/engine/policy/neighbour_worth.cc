#include "engine/policy/neighbour_worth.h"

#include <doctest/doctest.h>

using murder::policy::counts_as_neighbour;
using murder::policy::eviction_rank;
using murder::policy::NeighbourFacts;
using namespace std::chrono_literals;

TEST_CASE("a connection over which nothing goes counts for some seconds") {
  CHECK(counts_as_neighbour({.age = 1999ms}));
  CHECK_FALSE(counts_as_neighbour({.age = 2s}));
  CHECK(counts_as_neighbour({.outgoing = true, .age = 4999ms}));
  CHECK_FALSE(counts_as_neighbour({.outgoing = true, .age = 5s}));
  CHECK(counts_as_neighbour({.exchanged = true, .age = 1h}));
}

TEST_CASE("one that let us down counts no longer, unless it exchanged something") {
  CHECK_FALSE(counts_as_neighbour({.let_down = true}));
  CHECK_FALSE(counts_as_neighbour({.outgoing = true, .let_down = true, .age = 1ms}));
  CHECK(counts_as_neighbour({.exchanged = true, .let_down = true}));
}

TEST_CASE("who exchanges never makes way, who is new not at once") {
  CHECK(eviction_rank({.shaken = true, .exchanged = true, .age = 1h, .unused = 9s}) == 0);
  CHECK(eviction_rank({.shaken = true, .age = 1h, .unused = 9s}) == 0);
  CHECK(eviction_rank({.shaken = true, .age = 249ms, .unused = 249ms}) == 0);
  CHECK(eviction_rank({.shaken = true, .under_way = true, .age = 1s, .unused = 1s}) == 0);
}

TEST_CASE("of those that are of no use, a crowd at one address and who said nothing go first") {
  const NeighbourFacts useful{.shaken = true, .exchanged = true, .age = 1h, .unused = 11s};
  const NeighbourFacts idle{.shaken = true, .age = 1s, .unused = 1s};
  const NeighbourFacts older{.shaken = true, .age = 20s, .unused = 20s};
  const NeighbourFacts mute{.shaken = false, .age = 1s, .unused = 1s};
  const NeighbourFacts crowd{.shaken = true, .age = 1s, .unused = 1s, .twins_at_address = 2};
  CHECK(eviction_rank(useful) > 0);
  CHECK(eviction_rank(idle) > eviction_rank(useful));
  CHECK(eviction_rank(older) > eviction_rank(idle));
  CHECK(eviction_rank(mute) > eviction_rank(older));
  CHECK(eviction_rank(crowd) > eviction_rank(mute));
  const NeighbourFacts named{.shaken = true, .named = true, .age = 1s, .unused = 1s};
  const NeighbourFacts named_mute{.named = true, .age = 60s, .unused = 60s};
  const NeighbourFacts named_crowd{
      .shaken = true, .named = true, .age = 1s, .unused = 1s, .twins_at_address = 20};
  CHECK(eviction_rank(named) > eviction_rank(useful));
  CHECK(eviction_rank(idle) > eviction_rank(named));
  CHECK(eviction_rank(idle) > eviction_rank(named_mute));  // known ones come first
  CHECK(eviction_rank(named_crowd) > eviction_rank(crowd));
  CHECK(eviction_rank({.shaken = true, .under_way = true, .age = 3s, .unused = 3s}) > 0);
}
