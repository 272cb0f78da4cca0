#include "engine/policy/rate_limit.h"

#include <doctest/doctest.h>

#include "engine/base/prng.h"

using namespace murder;
using policy::RateLimit;

namespace {

// What passes in `duration` when there is always more to send, in portions of a size.
uint64_t passes_in(Duration duration, RateLimit& limit, uint64_t portion_bytes) {
  Instant now{std::chrono::hours(1)};
  const Instant end = now + duration;
  uint64_t passed = 0;
  while (now < end) {
    if (limit.passes_at() > now) {
      now = limit.passes_at();
      continue;
    }
    limit.take(portion_bytes, now);
    passed += portion_bytes;
  }
  return passed;
}

}  // namespace

TEST_CASE("without a limit everything passes at once") {
  RateLimit limit;
  CHECK_FALSE(limit.is_set());
  limit.take(UINT64_MAX / 2, Instant{});
  CHECK(limit.passes_at() <= Instant{});
  CHECK(limit.portion_bytes(1) == UINT64_MAX);
}

TEST_CASE("a rate is kept within two percent, whatever the portions") {
  for (const uint64_t rate : {uint64_t{100'000}, uint64_t{400'000'000}, uint64_t{12'500'000'000}}) {
    for (const uint64_t portion : {uint64_t{1448}, uint64_t{16'384}, uint64_t{524'288}}) {
      const Duration time = std::chrono::seconds(rate < 1'000'000 ? 1000 : 1);
      if (static_cast<double>(rate) * seconds_of(time) / static_cast<double>(portion) > 1e6) {
        continue;  // the same again, for long
      }
      RateLimit limit(rate);
      const double expected = static_cast<double>(rate) * seconds_of(time);
      const auto passed = static_cast<double>(passes_in(time, limit, portion));
      const double slack =
          static_cast<double>(rate) * seconds_of(RateLimit::burst) + static_cast<double>(portion);
      CAPTURE(rate);
      CAPTURE(portion);
      CHECK(passed >= expected * 0.999);
      CHECK(passed <= expected + slack);
    }
  }
}

TEST_CASE("time without traffic is not saved up beyond the burst") {
  RateLimit limit(1'000'000);
  limit.take(1'000'000, Instant{std::chrono::seconds(1)});
  Instant now{std::chrono::hours(1)};
  uint64_t passed = 0;
  while (limit.passes_at() <= now) {
    limit.take(1000, now);
    passed += 1000;
  }
  CHECK(passed >= 20'000);
  CHECK(passed <= 22'000);
}

TEST_CASE("a portion larger than the burst is paid for by waiting") {
  RateLimit limit(1'000'000);
  const Instant now{std::chrono::seconds(5)};
  limit.take(500'000, now);
  CHECK(limit.passes_at() == now + std::chrono::milliseconds(500) - RateLimit::burst);
}

TEST_CASE("small portions are not rounded away") {
  RateLimit limit(3'000'000'000);  // a byte is a third of a nanosecond
  const Instant now{std::chrono::seconds(5)};
  for (int count = 0; count < 3'000'000; ++count) {
    limit.take(1, now);
  }
  const Duration worth = limit.passes_at() + RateLimit::burst - now;
  CHECK(worth >= std::chrono::microseconds(999));
  CHECK(worth <= std::chrono::microseconds(1001));
}

TEST_CASE("a limit that is shared out stays a limit") {
  CHECK(RateLimit::share(0, 4) == 0);
  CHECK(RateLimit::share(400, 4) == 100);
  CHECK(RateLimit::share(3, 4) == 1);
}
