#include "engine/policy/candidates.h"

#include <doctest/doctest.h>

#include <set>

using murder::Endpoint;
using murder::Instant;
using murder::instant_never;
using murder::Prng;
using murder::policy::Candidates;
using Source = murder::policy::Candidates::Source;
using namespace std::chrono_literals;

namespace {

Endpoint endpoint(uint8_t host, uint16_t port = 6881) {
  const std::array<uint8_t, 4> bytes = {10, 0, 0, host};
  return {murder::IpAddress::from_v4(bytes), port};
}

}  // namespace

TEST_CASE("each candidate is handed out once while it is busy") {
  Candidates candidates(10);
  Prng prng(1);
  for (uint8_t host = 1; host <= 5; ++host) {
    CHECK(candidates.add(endpoint(host), Source::tracker));
    CHECK_FALSE(candidates.add(endpoint(host), Source::tracker));
  }
  std::set<Endpoint> taken;
  while (const auto one = candidates.take(Instant{}, prng)) {
    CHECK(taken.insert(*one).second);
  }
  CHECK(taken.size() == 5);
}

TEST_CASE("addresses nobody can dial are not taken in") {
  Candidates candidates(10);
  CHECK_FALSE(candidates.add(endpoint(1, 0), Source::tracker));
  CHECK_FALSE(candidates.add({{}, 6881}, Source::tracker));
  CHECK(candidates.size() == 0);
}

TEST_CASE("a failed candidate waits longer each time, one that had worked waits shortly") {
  Candidates candidates(10);
  Prng prng(1);
  candidates.add(endpoint(1), Source::tracker);
  Instant now{};
  for (int failure = 1; failure <= 8; ++failure) {
    REQUIRE(candidates.take(now, prng));
    candidates.failed(endpoint(1), now, prng);
    const auto full = std::min<std::chrono::seconds>(30s, std::chrono::seconds(1 << (failure - 1)));
    CHECK_FALSE(candidates.take(now + full / 2 - 1ms, prng));
    now += full;
  }
  REQUIRE(candidates.take(now, prng));
  candidates.ended(endpoint(1), now, prng);
  CHECK_FALSE(candidates.take(now + 400ms, prng));
  CHECK(candidates.take(now + 1s, prng));
}

TEST_CASE("a postponed candidate comes back at its time, also when its connection ends meanwhile") {
  Candidates candidates(10);
  Prng prng(1);
  candidates.add(endpoint(1), Source::tracker);
  candidates.postpone(endpoint(1), instant_never);
  CHECK_FALSE(candidates.take(Instant{} + 1000h, prng));
  candidates.ended(endpoint(1), Instant{} + 1s, prng);
  CHECK(candidates.take(Instant{} + 2s, prng));
}

TEST_CASE("a barred candidate is never handed out again, whatever becomes known of it") {
  Candidates candidates(10);
  Prng prng(1);
  candidates.bar(endpoint(1));
  CHECK(candidates.is_barred(endpoint(1)));
  CHECK_FALSE(candidates.is_barred(endpoint(2)));
  candidates.postpone(endpoint(1), Instant{});
  candidates.ended(endpoint(1), Instant{}, prng);
  candidates.failed(endpoint(1), Instant{}, prng);
  candidates.add(endpoint(1), Source::tracker);
  CHECK_FALSE(candidates.take(Instant{} + 1000h, prng));
}

TEST_CASE("when full, there is room for what a tracker tells, in the place of who is worth least") {
  Candidates candidates(4);
  Prng prng(1);
  const Instant now{};
  const auto is_known = [&](uint8_t host) {
    // Adding one again changes nothing but who told of it, here nothing.
    return !candidates.add(endpoint(host), Source::itself);
  };
  for (uint8_t host = 1; host <= 2; ++host) {
    CHECK(candidates.add(endpoint(host), Source::tracker));
    candidates.failed(endpoint(host), now, prng);
  }
  candidates.failed(endpoint(2), now, prng);
  candidates.bar(endpoint(3));
  CHECK(candidates.add(endpoint(4), Source::itself));
  candidates.postpone(endpoint(4), instant_never);
  CHECK(candidates.add(endpoint(5), Source::tracker));  // in the place of 4
  CHECK(candidates.add(endpoint(6), Source::tracker));  // of 3
  CHECK_FALSE(candidates.is_barred(endpoint(3)));
  CHECK(candidates.add(endpoint(7), Source::tracker));  // of 2
  CHECK(candidates.add(endpoint(8), Source::tracker));  // of 1
  for (uint8_t host = 5; host <= 8; ++host) {
    CHECK(is_known(host));
  }
  CHECK_FALSE(candidates.add(endpoint(9), Source::itself));
  CHECK(candidates.add(endpoint(9), Source::tracker));
  CHECK(candidates.size() == 4);
  while (candidates.take(now, prng)) {
  }
  CHECK_FALSE(candidates.add(endpoint(10), Source::tracker));  // all are busy
}

TEST_CASE("what peers say of themselves never takes the place of what a tracker told") {
  Candidates candidates(10);
  Prng prng(1);
  for (uint8_t host = 1; host <= 5; ++host) {
    CHECK(candidates.add(endpoint(host), Source::tracker));
  }
  for (uint16_t port = 1; port <= 1000; ++port) {
    CHECK(candidates.add(endpoint(200, port), Source::itself));
    candidates.postpone(endpoint(200, port), instant_never);
  }
  for (uint8_t host = 6; host <= 10; ++host) {
    CHECK(candidates.add(endpoint(host), Source::tracker));
  }
  std::set<Endpoint> taken;
  while (const auto one = candidates.take(Instant{}, prng)) {
    taken.insert(*one);
  }
  CHECK(taken.size() == 10);
}

TEST_CASE("candidates are handed out in no fixed order") {
  std::set<Endpoint> firsts;
  for (uint64_t seed = 0; seed < 200; ++seed) {
    Candidates candidates(20);
    Prng prng(seed);
    for (uint8_t host = 1; host <= 10; ++host) {
      candidates.add(endpoint(host), Source::tracker);
    }
    firsts.insert(*candidates.take(Instant{}, prng));
  }
  CHECK(firsts.size() == 10);
}

TEST_CASE("those that did not answer come after all others, whatever their number") {
  Candidates candidates(2000);
  Prng prng(1);
  Instant now{std::chrono::seconds(100)};
  for (uint16_t port = 1; port <= 1000; ++port) {
    candidates.add(endpoint(1, port), Source::tracker);
    REQUIRE(candidates.take(now, prng) == endpoint(1, port));
    candidates.failed(endpoint(1, port), now, prng);
  }
  now += std::chrono::minutes(1);  // all may be dialled again
  for (uint16_t port = 2001; port <= 2008; ++port) {
    candidates.add(endpoint(1, port), Source::tracker);
  }
  CHECK(candidates.has_any(now));
  for (int count = 0; count < 8; ++count) {
    const auto taken = candidates.take(now, prng);
    REQUIRE(taken.has_value());
    CHECK(taken->port > 2000);
  }
  CHECK(candidates.take(now, prng)->port <= 1000);
}
