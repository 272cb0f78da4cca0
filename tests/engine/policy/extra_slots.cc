#include "engine/policy/extra_slots.h"

#include <doctest/doctest.h>

#include <algorithm>

using murder::policy::ExtraSlots;

TEST_CASE("slots are added while the link is little used and all are taken, and given back") {
  ExtraSlots extra(4, false);
  extra.window_ended({.rate = 50, .link_rate = 100, .slots = 2, .all_taken = false});
  CHECK(extra.count() == 0);
  for (const uint32_t expected : {1U, 2U, 2U}) {
    extra.window_ended({.rate = 50, .link_rate = 100, .slots = 2, .all_taken = true});
    CHECK(extra.count() == expected);
  }
  extra.window_ended({.rate = 70, .link_rate = 100, .slots = 2, .all_taken = true});
  CHECK(extra.count() == 2);
  extra.window_ended({.rate = 70, .link_rate = 100, .slots = 3, .all_taken = true});
  CHECK(extra.count() == 1);  // four in all
  for (const uint32_t expected : {0U, 0U}) {
    extra.window_ended({.rate = 95, .link_rate = 100, .slots = 3, .all_taken = true});
    CHECK(extra.count() == expected);
  }
  extra.window_ended({.rate = 10, .link_rate = 100, .slots = 9, .all_taken = true});
  CHECK(extra.count() == 0);
}

TEST_CASE("a seeder keeps a slot that brings more, and one that does not it tries seldom") {
  for (const double link_rate : {200.0, 2000.0}) {
    CAPTURE(link_rate);
    ExtraSlots extra(8, true);
    uint32_t windows_with_more = 0;
    for (int window = 0; window < 100; ++window) {
      const double rate = std::min(link_rate, 100.0 * (2 + extra.count()));
      windows_with_more += extra.count() > 0 ? 1 : 0;
      extra.window_ended({.rate = rate, .link_rate = rate, .slots = 2, .all_taken = true});
    }
    if (link_rate == 200) {
      CHECK(windows_with_more < 10);
    } else {
      CHECK(2 + extra.count() >= 7);
    }
  }
}

TEST_CASE("with the usual slots it never comes to more than a link is given for any reason") {
  ExtraSlots extra(4, false);
  CHECK(extra.slots_in_all(2) == 2);
  extra.window_ended({.rate = 10, .link_rate = 100, .slots = 2, .all_taken = true});
  CHECK(extra.slots_in_all(2) == 3);
  CHECK(extra.slots_in_all(murder::policy::LinkEstimate::slots_max) ==
        murder::policy::LinkEstimate::slots_max);
}
