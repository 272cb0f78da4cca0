#include "agent/once_times.h"

#include <doctest/doctest.h>

using namespace murder;
using namespace murder::agent;
using std::chrono::minutes;
using std::chrono::seconds;

TEST_CASE("a coordinator is tried for as long as it was asked for, and no longer than the lease") {
  CHECK(once_times(std::nullopt, minutes(2)).reach_max == seconds(20));
  CHECK(once_times(std::nullopt, minutes(2)).connect_max == seconds(20));
  CHECK(once_times(seconds(4), minutes(2)).reach_max == seconds(4));
  CHECK(once_times(seconds(4), minutes(2)).connect_max == seconds(20));
  CHECK(once_times(seconds(90), minutes(2)).reach_max == seconds(90));
  CHECK(once_times(seconds(90), minutes(2)).connect_max == seconds(90));
  CHECK(once_times(std::nullopt, seconds(5)).reach_max == seconds(5));
  CHECK(once_times(seconds(4), seconds(5)).connect_max == seconds(5));
}
