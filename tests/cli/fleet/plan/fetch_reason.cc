#include "cli/fleet/plan/fetch_reason.h"

#include <doctest/doctest.h>

using namespace murder::fleet;

TEST_CASE("a host to which nothing came is told which ports hosts need") {
  CHECK(reason_nothing_came("late", "51000-51099").ends_with("at TCP ports 51000-51099"));
  CHECK(reason_nothing_came("late", "51000").ends_with("at TCP port 51000"));
  CHECK(reason_nothing_came("late", "").ends_with("at TCP ports, which --peer-port can name"));
  CHECK(reason_nothing_came("late", "").starts_with("late: nothing came"));
}
