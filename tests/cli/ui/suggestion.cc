#include "cli/ui/suggestion.h"

#include <doctest/doctest.h>

namespace murder::cli {

TEST_CASE("a mistyped word is led to the nearest one") {
  const std::vector<std::string> known = {"create", "seed", "status", "stop", "verify"};
  CHECK(nearest_word("craete", known) == "create");
  CHECK(nearest_word("sede", known) == "seed");
  CHECK(nearest_word("stat", known) == "status");
  CHECK(nearest_word("verfy", known) == "verify");
}

TEST_CASE("a word that is near to none gets no suggestion") {
  const std::vector<std::string> known = {"create", "seed"};
  CHECK(nearest_word("frobnicate", known).empty());
  CHECK(nearest_word(std::string(10'000, 'x'), known).empty());
  CHECK(nearest_word("", known).empty());
}

}  // namespace murder::cli
