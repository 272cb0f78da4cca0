#include "tracker/viewer_gate.h"

#include <doctest/doctest.h>

#include "values.h"

using namespace murder;
using namespace murder::tracker;
using namespace murder::test;

TEST_CASE("a viewer now and then never waits, however large its page") {
  ViewerGate gate;
  Instant now = start;
  for (int round = 0; round < 20; ++round) {
    CHECK(gate.admit(4 * 1024 * 1024, now) == Duration{});
    now += 1s;
  }
}

TEST_CASE("viewers that ask back to back get their share of bytes, each after the one before") {
  ViewerGate gate;
  Instant now = start;
  const uint64_t page_bytes = 700'000;
  uint64_t sent_bytes = 0;
  Duration last{};
  while (now < start + 10s) {
    const std::optional<Duration> wait = gate.admit(page_bytes, now);
    REQUIRE(wait.has_value());
    CHECK(*wait <= limits::viewer_wait_max);
    now += *wait;
    sent_bytes += page_bytes;
    last = *wait;
  }
  CHECK(last > 40ms);
  CHECK(sent_bytes < 11 * limits::viewer_bytes_per_second);
  CHECK(sent_bytes > 9 * limits::viewer_bytes_per_second);
}

TEST_CASE("of thousands at once those are turned away that would wait for long, and it ends") {
  ViewerGate gate;
  uint32_t admitted = 0;
  for (uint32_t viewer = 0; viewer < 5000; ++viewer) {
    admitted += gate.admit(1000, start) ? 1 : 0;
  }
  CHECK(admitted > 100);
  CHECK(admitted < 1000);
  CHECK_FALSE(gate.admit(1000, start).has_value());
  CHECK(gate.admit(1000, start + 5s) == Duration{});
}

TEST_CASE("a page asked for back to back is made once a second, one asked for seldom always") {
  FreshPages pages;
  uint32_t made = 0;
  Instant made_at = start;
  for (Instant now = start; now < start + 20s; now += 1ms) {
    if (pages.take(now - made_at, now)) {
      ++made;
      made_at = now;
    }
  }
  CHECK(made <= 20 + limits::fresh_pages_burst + 1);
  CHECK(made >= 19);
  CHECK(pages.take(100ms, start + 60s));
  CHECK(pages.take(100ms, start + 61s));
}
