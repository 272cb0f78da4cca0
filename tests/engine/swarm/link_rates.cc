// What links do, by what was seen and what neighbours say of theirs.
#include "engine/swarm/link_rates.h"

#include <doctest/doctest.h>

#include "part_bench.h"

using murder::Duration;
using murder::swarm::LinkRates;
using murder::swarm::Session;
using murder::swarm::SessionId;
using murder::test::PartBench;
using namespace std::chrono_literals;

namespace {

// One that took a piece of ours and says what its link does.
SessionId open_with_rate(PartBench& bench, uint8_t number, uint32_t kib_per_second) {
  const SessionId id = bench.open_own(number);
  bench.session(id).grants.told_rate = kib_per_second;
  bench.session(id).proven = true;
  return id;
}

}  // namespace

TEST_CASE("who is slow is told against the median of at least eight neighbours") {
  PartBench bench;
  LinkRates rates(bench.context);
  const SessionId slow = open_with_rate(bench, 1, 299);
  const SessionId usual = open_with_rate(bench, 2, 301);
  for (uint8_t number = 3; number < 8; ++number) {
    open_with_rate(bench, number, 1000);
  }
  rates.compare();
  CHECK(!rates.is_slow(bench.session(slow)));  // seven
  open_with_rate(bench, 8, 1000);
  rates.compare();
  CHECK(rates.is_slow(bench.session(slow)));
  CHECK(!rates.is_slow(bench.session(usual)));
  CHECK(rates.check() == "");
  SUBCASE("not by what those say who took nothing") {
    bench.session(usual).proven = false;
    rates.compare();
    CHECK(!rates.is_slow(bench.session(slow)));
  }
  SUBCASE("one that says nothing is not slow") {
    bench.session(slow).grants.told_rate = 0;
    CHECK(!rates.is_slow(bench.session(slow)));
  }
}

TEST_CASE("the rate of a session is that of the bytes it brought between ticks, smoothed") {
  PartBench bench;
  LinkRates rates(bench.context);
  Session& session = bench.session(bench.open(1));
  rates.update(bench.now);
  session.downloaded_bytes = 1000;
  bench.now += 100ms;
  rates.update(bench.now);
  CHECK(session.download_rate == doctest::Approx(3000));
  SUBCASE("nothing is asked of it: that says nothing of its rate") {
    bench.now += 100ms;
    rates.update(bench.now);
    CHECK(session.download_rate == doctest::Approx(3000));
  }
  SUBCASE("nothing came of what was asked") {
    session.requested_bytes = 16384;
    bench.now += 100ms;
    rates.update(bench.now);
    CHECK(session.download_rate == doctest::Approx(2100));
  }
  SUBCASE("a clock that jumped says nothing") {
    session.downloaded_bytes = 2000;
    bench.now += 11s;
    rates.update(bench.now);
    CHECK(session.download_rate == doctest::Approx(3000));
  }
}

TEST_CASE("the end of a piece may take long of one that confirmed one, else what its link needs") {
  PartBench bench;
  LinkRates rates(bench.context);
  Session& session = bench.session(bench.open_own(1));
  CHECK(rates.ending_patience(session) == 500ms);  // nothing is known of our link
  session.grants.given.gave(3, bench.now);
  session.grants.given.has(3, bench.now);
  CHECK(rates.ending_patience(session) == LinkRates::ending_patience_max);
}
