#include "tracker/neighbour_plan.h"

#include <doctest/doctest.h>

using namespace murder;
using namespace murder::tracker;

TEST_CASE("what one family lacks the other one fills") {
  CHECK(share_families(50, 1000, 0).own_count == 50);
  CHECK(share_families(50, 1000, 5).own_count == 45);
  CHECK(share_families(50, 1000, 5).other_count == 5);
  CHECK(share_families(50, 3, 1000).own_count == 3);
  CHECK(share_families(50, 3, 1000).other_count == 47);
  CHECK(share_families(0, 3, 3).own_count + share_families(0, 3, 3).other_count == 0);
  CHECK(share_families(1, 3, 3).own_count == 1);
  CHECK(share_families(1, 3, 3).other_count == 0);
}

TEST_CASE("up to 17 hosts are all told of each other") {
  CHECK(neighbours_needed({.others_there = 0}).other_count == 0);
  CHECK(neighbours_needed({.others_there = 16}).other_count == 16);
  CHECK(neighbours_needed({.neighbour_count = 15, .others_there = 16}).other_count == 16);
  CHECK(neighbours_needed({.neighbour_count = 16, .others_there = 16}).other_count == 0);
}

TEST_CASE("in a small fleet a newcomer is told of 8 and who has few of what it lacks") {
  CHECK(neighbours_needed({.others_there = 17}).other_count == 8);
  CHECK(neighbours_needed({.others_there = 64}).other_count == 8);
  CHECK(neighbours_needed({.neighbour_count = 1, .others_there = 64}).other_count == 8);
  CHECK(neighbours_needed({.neighbour_count = 10, .others_there = 60}).other_count == 2);
  CHECK(neighbours_needed({.neighbour_count = 11, .others_there = 17}).other_count == 2);
  CHECK(neighbours_needed({.neighbour_count = 12, .others_there = 64}).other_count == 0);
  CHECK(neighbours_needed({.neighbour_count = UINT32_MAX, .others_there = 17}).other_count == 0);
}

TEST_CASE("one that was told of others, and has little use of them, searches") {
  const auto need = [](uint32_t has, uint32_t there, bool is_stalled) {
    return neighbours_needed({.neighbour_count = has,
                              .others_there = there,
                              .is_known = true,
                              .is_stalled = is_stalled});
  };
  CHECK(need(3, 58, false).other_count == 58);
  CHECK(need(3, 58, false).is_search);
  CHECK(need(4, 58, false).other_count == 8);
  CHECK_FALSE(need(4, 58, false).is_search);
  CHECK(need(50, 58, true).other_count == 58);
  CHECK(need(7, 50'000, false).other_count == 32);
  CHECK(need(7, 50'000, false).is_search);
  CHECK(need(23, 50'000, true).other_count == 32);
  CHECK(need(24, 50'000, true).other_count == 0);
}

TEST_CASE("in a large swarm a newcomer is told of 16 and who has few of what it lacks") {
  CHECK(neighbours_needed({.others_there = 65}).other_count == 16);
  CHECK(neighbours_needed({.others_there = 50'000}).other_count == 16);
  CHECK(neighbours_needed({.neighbour_count = 1, .others_there = 50'000}).other_count == 16);
  CHECK(neighbours_needed({.neighbour_count = 12, .others_there = 65}).other_count == 14);
  CHECK(neighbours_needed({.neighbour_count = 20, .others_there = 50'000}).other_count == 4);
  CHECK(neighbours_needed({.neighbour_count = 22, .others_there = 65}).other_count == 3);
  CHECK(neighbours_needed({.neighbour_count = 24, .others_there = 50'000}).other_count == 0);
  CHECK(neighbours_needed({.neighbour_count = UINT32_MAX, .others_there = 65}).other_count == 0);
}

TEST_CASE("in a rack a newcomer is told of all mates and few others") {
  const auto need = [](uint32_t has, uint32_t mates, uint32_t others) {
    return neighbours_needed(
        {.neighbour_count = has, .has_rack = true, .mates_there = mates, .others_there = others});
  };
  CHECK(need(0, 39, 960).mate_count == 39);
  CHECK(need(0, 39, 960).other_count == 4);
  CHECK(need(0, 39, 8).other_count == 8);
  CHECK(need(0, 0, 50'000).other_count == 4);
  CHECK(need(47, 39, 960).mate_count == 0);
  CHECK(need(43, 39, 960).other_count == 0);
  CHECK(need(40, 39, 960).mate_count == 39);
  CHECK(need(40, 39, 960).other_count == 3);
  CHECK(need(0, 200, 960).mate_count == 20);
  CHECK(need(34, 200, 960).mate_count == 0);
  CHECK(need(UINT32_MAX, 200, 960).mate_count == 0);
}
