#include "engine/policy/backoff.h"

#include <doctest/doctest.h>

using murder::Duration;
using murder::Prng;
using murder::policy::Backoff;
using namespace std::chrono_literals;

TEST_CASE("a wait doubles with each failure up to the most, and is spread over its upper half") {
  constexpr Backoff backoff = {1s, 30s};
  Prng prng(1);
  for (uint32_t failures = 1; failures < 100; ++failures) {
    const Duration full = failures >= 6 ? Duration(30s) : Duration(1s) * (1U << (failures - 1));
    Duration least = Duration::max();
    Duration most = Duration::zero();
    for (int round = 0; round < 200; ++round) {
      const Duration wait = backoff.wait(failures, prng);
      least = std::min(least, wait);
      most = std::max(most, wait);
    }
    CHECK(least >= full / 2);
    CHECK(most <= full);
    CHECK(most - least > full / 4);
  }
}

TEST_CASE("a first wait beyond the most is cut to it") {
  constexpr Backoff backoff = {10s, 3s};
  Prng prng(1);
  CHECK(backoff.wait(1, prng) <= 3s);
  CHECK(backoff.wait(UINT32_MAX, prng) <= 3s);
}
