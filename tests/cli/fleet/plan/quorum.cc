#include "cli/fleet/plan/quorum.h"

#include <doctest/doctest.h>

using namespace murder::fleet;

TEST_CASE("a share of the hosts is rounded up") {
  CHECK(Quorum::parse("95%")->hosts_needed(16) == 16);
  CHECK(Quorum::parse("95%")->hosts_needed(100) == 95);
  CHECK(Quorum::parse("70%")->hosts_needed(4) == 3);
  CHECK(Quorum::parse("1%")->hosts_needed(3) == 1);
  CHECK(Quorum::parse("100%")->hosts_needed(100'000) == 100'000);
}

TEST_CASE("a number of hosts is never more than there are") {
  CHECK(Quorum::parse("12")->hosts_needed(16) == 12);
  CHECK(Quorum::parse("12")->hosts_needed(3) == 3);
}

TEST_CASE("what is no share and no number is refused") {
  for (const char* text :
       {"", "%", "0", "0%", "101%", "-1", "95 %", "9.5%", "all", "99999999999"}) {
    CAPTURE(text);
    CHECK_FALSE(Quorum::parse(text));
  }
}
