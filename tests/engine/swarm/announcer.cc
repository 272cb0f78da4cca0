#include "engine/swarm/announcer.h"

#include <doctest/doctest.h>

#include <vector>

using murder::Instant;
using murder::instant_never;
using murder::Prng;
using murder::TrackerIndex;
using murder::codec::AnnounceEvent;
using murder::codec::AnnounceReply;
using murder::swarm::Announcer;
using namespace std::chrono_literals;

namespace {

constexpr Instant start{1000s};

// The event of the one announce that is due now; nullopt when none is.
std::optional<AnnounceEvent> due(Announcer& announcer, Instant now) {
  const auto order = announcer.next(now);
  return order ? std::optional(order->event) : std::nullopt;
}

AnnounceReply answer(uint32_t interval_s) {
  AnnounceReply reply;
  reply.interval_s = interval_s;
  return reply;
}

}  // namespace

TEST_CASE("started is said first, and again until it is answered") {
  Announcer announcer(1, Prng(1));
  CHECK(announcer.next_due() <= start);
  CHECK(due(announcer, start) == AnnounceEvent::started);
  CHECK(announcer.next_due() == instant_never);  // one at a time
  CHECK_FALSE(due(announcer, start + 100s));
  announcer.failed({0}, "no route", start);
  CHECK(announcer.view({0}).trouble == "no route");
  CHECK_FALSE(announcer.view({0}).works);
  CHECK(announcer.next_due() > start);
  CHECK(announcer.next_due() <= start + 1s);
  CHECK(due(announcer, start + 1s) == AnnounceEvent::started);
  AnnounceReply reply = answer(60);
  reply.complete = 3;
  reply.incomplete = 4;
  announcer.replied({0}, reply, start + 1s);
  CHECK(announcer.view({0}).works);
  CHECK(announcer.view({0}).trouble.empty());
  CHECK(announcer.view({0}).complete == 3);
  CHECK(announcer.view({0}).incomplete == 4);
  CHECK(announcer.next_due() == start + 61s);
  CHECK_FALSE(due(announcer, start + 60s));
  CHECK(due(announcer, start + 61s) == AnnounceEvent::none);
}

TEST_CASE("completed is said once to each tracker, at once, but after started") {
  Announcer announcer(2, Prng(1));
  CHECK(announcer.next(start)->tracker == TrackerIndex{0});
  announcer.replied({0}, answer(60), start);
  CHECK(announcer.next(start)->tracker == TrackerIndex{1});
  announcer.completed(start + 1s);
  const auto first = announcer.next(start + 1s);
  REQUIRE(first);
  CHECK(first->tracker == TrackerIndex{0});
  CHECK(first->event == AnnounceEvent::completed);
  announcer.replied({0}, answer(60), start + 1s);
  CHECK_FALSE(due(announcer, start + 2s));
  announcer.replied({1}, answer(60), start + 2s);  // the answer to started
  CHECK(due(announcer, start + 2s) == AnnounceEvent::completed);
  announcer.failed({1}, "timeout", start + 3s);
  CHECK(due(announcer, start + 4s) == AnnounceEvent::completed);  // it has not heard it
  announcer.replied({1}, answer(60), start + 4s);
  CHECK(due(announcer, start + 61s) == AnnounceEvent::none);
}

TEST_CASE("stopped is said once to each tracker that knows us") {
  Announcer announcer(3, Prng(1));
  for (uint32_t tracker = 0; tracker < 3; ++tracker) {
    REQUIRE(announcer.next(start)->tracker == TrackerIndex{tracker});
  }
  announcer.replied({0}, answer(60), start);
  announcer.failed({1}, "down", start);
  announcer.stop(start + 1s);  // 2 has not answered yet
  CHECK_FALSE(announcer.stopped());
  const auto order = announcer.next(start + 1s);
  REQUIRE(order);
  CHECK(order->tracker == TrackerIndex{0});
  CHECK(order->event == AnnounceEvent::stopped);
  CHECK_FALSE(due(announcer, start + 100s));
  announcer.replied({0}, answer(60), start + 2s);
  CHECK_FALSE(announcer.stopped());
  announcer.replied({2}, answer(60), start + 2s);  // it knows us now
  CHECK(due(announcer, start + 2s) == AnnounceEvent::stopped);
  announcer.failed({2}, "timeout", start + 3s);
  CHECK(announcer.stopped());
  CHECK(announcer.next_due() == instant_never);
  CHECK_FALSE(due(announcer, start + 1000s));
}

TEST_CASE("a tracker that is down is tried again within seconds, and the others go on") {
  Announcer announcer(2, Prng(1));
  Instant now = start;
  REQUIRE(announcer.next(now));
  REQUIRE(announcer.next(now));
  announcer.replied({0}, answer(30), now);
  announcer.failed({1}, "refused", now);
  uint32_t tries = 0;
  uint32_t announces = 0;
  while (now < start + 300s) {
    const Instant next = announcer.next_due();
    CHECK(next - now <= 30s);
    now = std::max(now, next);
    const auto order = announcer.next(now);
    REQUIRE(order);
    if (order->tracker.raw == 1) {
      ++tries;
      CHECK(order->event == AnnounceEvent::started);
      announcer.failed({1}, "refused", now);
    } else {
      ++announces;
      announcer.replied({0}, answer(30), now);
    }
  }
  CHECK(announces == 10);
  CHECK(tries >= 300 / 15);
  CHECK(tries <= 300 / 7 + 5);
  // It is back.
  while (!announcer.view({1}).works) {
    now = std::max(now, announcer.next_due());
    const auto order = announcer.next(now);
    announcer.replied(order->tracker, answer(30), now);
  }
  CHECK(now <= start + 330s);
}

TEST_CASE("a failure reason waits as BEP 31 says, never back to back and never beyond an hour") {
  const auto wait_after = [](const AnnounceReply& reply) {
    Announcer announcer(1, Prng(1));
    REQUIRE(announcer.next(start));
    announcer.replied({0}, reply, start);
    CHECK(announcer.view({0}).trouble == reply.failure_reason);
    CHECK_FALSE(due(announcer, start));
    return announcer.next_due() - start;
  };
  AnnounceReply reply;
  reply.failure_reason = "full";
  CHECK(wait_after(reply) > 0s);
  CHECK(wait_after(reply) <= 1s);
  reply.retry_in_minutes = 5;
  CHECK(wait_after(reply) == 5min);
  reply.retry_in_minutes = 0;
  CHECK(wait_after(reply) >= 500ms);
  reply.retry_in_minutes = 600;
  CHECK(wait_after(reply) == 1h);
  reply.retry_in_minutes = UINT32_MAX;
  CHECK(wait_after(reply) == 1h);
  reply.retry_in_minutes.reset();
  reply.retry_never = true;
  CHECK(wait_after(reply) == instant_never - start);
}

TEST_CASE("more peers are asked for after five seconds, but not before the tracker allows") {
  Announcer announcer(1, Prng(1));
  announcer.want_peers(start);
  CHECK(due(announcer, start) == AnnounceEvent::started);
  AnnounceReply reply = answer(120);
  reply.interval_min_s = 20;
  announcer.replied({0}, reply, start);
  announcer.want_peers(start);
  CHECK(announcer.next_due() == start + 20s);
  announcer.want_peers(start + 18s);  // asking more often changes nothing
  CHECK(announcer.next_due() == start + 20s);
  CHECK(due(announcer, start + 20s) == AnnounceEvent::none);
  announcer.replied({0}, answer(120), start + 20s);  // no min interval: the interval holds
  announcer.want_peers(start + 21s);
  CHECK(announcer.next_due() == start + 140s);
}

TEST_CASE("intervals no tracker means are cut to a second and an hour") {
  Announcer announcer(1, Prng(1));
  REQUIRE(announcer.next(start));
  announcer.replied({0}, answer(0), start);
  CHECK(announcer.next_due() == start + 1s);
  REQUIRE(announcer.next(start + 1s));
  AnnounceReply reply = answer(UINT32_MAX);
  reply.interval_min_s = UINT32_MAX;
  announcer.replied({0}, reply, start + 1s);
  CHECK(announcer.next_due() == start + 1s + 1h);
}

TEST_CASE("a tracker id is kept until another one comes") {
  Announcer announcer(1, Prng(1));
  REQUIRE(announcer.next(start));
  AnnounceReply reply = answer(1);
  reply.tracker_id = "abc";
  announcer.replied({0}, reply, start);
  CHECK(announcer.tracker_id({0}) == "abc");
  REQUIRE(announcer.next(start + 1s));
  announcer.replied({0}, answer(1), start + 1s);
  CHECK(announcer.tracker_id({0}) == "abc");
}

TEST_CASE("without trackers there is nothing to do, and stopping is done at once") {
  Announcer announcer(0, Prng(1));
  CHECK(announcer.next_due() == instant_never);
  CHECK_FALSE(announcer.next(start));
  announcer.stop(start);
  CHECK(announcer.stopped());
}

TEST_CASE("at the end nobody waits for a tracker that never answered") {
  Announcer announcer(3, Prng(1));
  CHECK(due(announcer, start) == AnnounceEvent::started);
  CHECK(due(announcer, start) == AnnounceEvent::started);
  CHECK(due(announcer, start) == AnnounceEvent::started);
  announcer.replied({0}, answer(60), start);
  announcer.failed({1}, "no route", start);
  CHECK(announcer.is_asking({2}));
  CHECK(announcer.is_stranger({2}));
  CHECK(announcer.is_stranger({1}));
  CHECK_FALSE(announcer.is_stranger({0}));
  announcer.completed(start);
  announcer.stop(start);
  const auto order = announcer.next(start);
  REQUIRE(order.has_value());
  CHECK(order->tracker.raw == 0);
  CHECK(order->event == AnnounceEvent::stopped);
  CHECK_FALSE(announcer.next(start).has_value());  // the one that failed is not asked again
  announcer.replied({0}, answer(60), start);
  CHECK_FALSE(announcer.stopped());
  announcer.failed({2}, "given up", start);  // by its client, after a moment
  CHECK(announcer.stopped());
  CHECK(announcer.next_due() == instant_never);
}

TEST_CASE("a tracker that answers for the first time while we end is told that we go") {
  Announcer announcer(1, Prng(1));
  CHECK(due(announcer, start) == AnnounceEvent::started);
  announcer.stop(start);
  announcer.replied({0}, answer(60), start);
  CHECK(due(announcer, start) == AnnounceEvent::stopped);
}

TEST_CASE("the graph is shared by the trackers that answer, or were not asked yet") {
  Announcer announcer(3, Prng(1));
  CHECK(announcer.sharing_count() == 3);
  CHECK(due(announcer, start) == AnnounceEvent::started);
  announcer.failed({0}, "no route", start);
  CHECK(announcer.sharing_count() == 2);
  CHECK(due(announcer, start) == AnnounceEvent::started);
  CHECK(due(announcer, start) == AnnounceEvent::started);
  announcer.failed({1}, "no route", start);
  announcer.failed({2}, "no route", start);
  CHECK(announcer.sharing_count() == 1);
  CHECK(due(announcer, start + 20s) == AnnounceEvent::started);
  announcer.replied({0}, answer(60), start + 20s);
  CHECK(announcer.sharing_count() == 1);
}
