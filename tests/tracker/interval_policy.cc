#include "tracker/interval_policy.h"

#include <doctest/doctest.h>

#include <set>

#include "values.h"

using namespace murder;
using namespace murder::tracker;
using namespace std::chrono_literals;

TEST_CASE("a small fleet announces every ten seconds and the largest every two minutes") {
  CHECK(announce_interval(0) == 10s);
  CHECK(announce_interval(9'000) == 10s);
  CHECK(announce_interval(500'000) == 120s);
}

TEST_CASE("who tells its progress announces every two seconds in a small fleet only") {
  CHECK(announce_interval(0, true) == 2s);
  CHECK(announce_interval(2'000, true) == 2s);
  CHECK(announce_interval(50'000, true) == announce_interval(50'000));
}

TEST_CASE("50,000 peers announce at most a thousand times a second") {
  const Duration interval = announce_interval(50'000);
  CHECK(50'000 / seconds_of(interval) <= 1000.0);
  CHECK(interval == 50s);
}

TEST_CASE("an interval is spread by up to a tenth and never shortened") {
  Prng prng(1);
  std::set<Duration> seen;
  for (int time = 0; time < 1000; ++time) {
    seen.insert(spread_interval(50s, prng));
  }
  CHECK(*seen.begin() == 50s);
  CHECK(*seen.rbegin() == 55s);
  CHECK(seen.size() == 6);
}

TEST_CASE("a peer of our kind is given up after three intervals and others after fifteen minutes") {
  CHECK(is_own_kind(test::own_peer(1)));
  CHECK_FALSE(is_own_kind(test::foreign_peer(1)));
  CHECK(peer_lifetime(true, 10s) == 40s);
  CHECK(peer_lifetime(true, 2s) == 40s);
  CHECK(peer_lifetime(false, 10s) == 15min);
}
