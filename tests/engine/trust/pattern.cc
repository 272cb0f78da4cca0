#include "engine/trust/pattern.h"

#include <doctest/doctest.h>

#include <string>

using namespace murder::trust;

TEST_CASE("a star is any number of characters, a question mark is one") {
  CHECK(matches_pattern("ann@example.net", "*@example.net"));
  CHECK(matches_pattern("ann", "a?n"));
  CHECK(matches_pattern("ann", "*a**n*"));
  CHECK(matches_pattern("", "*"));
  CHECK(matches_pattern("", ""));
  CHECK(matches_pattern("a*b", "a*b"));
  CHECK(matches_pattern("mississippi", "*ss*pp*"));
  CHECK_FALSE(matches_pattern("an", "a?n"));
  CHECK_FALSE(matches_pattern("ann", ""));
  CHECK_FALSE(matches_pattern("ann@example.net.evil", "*@example.net"));
  CHECK_FALSE(matches_pattern("Ann", "ann"));
}

TEST_CASE("a pattern that excludes counts wherever it stands") {
  CHECK(matches_pattern_list("ann", "bob,ann"));
  CHECK(matches_pattern_list("ann", "*,!bob"));
  CHECK_FALSE(matches_pattern_list("bob", "*,!bob"));
  CHECK_FALSE(matches_pattern_list("bob", "!bob,*"));
  CHECK_FALSE(matches_pattern_list("ann", "!bob"));
  CHECK_FALSE(matches_pattern_list("ann", ""));
  CHECK_FALSE(matches_pattern_list("ann", "an,nn"));
  CHECK_FALSE(matches_pattern_list("ann", std::string(2000, '*') + ",ann"));
  CHECK_FALSE(matches_pattern_list("ann", "ann," + std::string(1023, 'x')));
  CHECK(matches_pattern_list("ann", "ann," + std::string(1022, 'x')));
}

TEST_CASE("many stars are no long work") {
  std::string pattern;
  for (int count = 0; count < 500; ++count) {
    pattern += "*a";
  }
  CHECK_FALSE(matches_pattern(std::string(499, 'a') + "b", pattern + "c"));
}
