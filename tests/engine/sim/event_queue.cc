#include "engine/sim/event_queue.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

#include "engine/base/prng.h"

using murder::Duration;
using murder::Instant;
using murder::Prng;
using murder::sim::Event;
using murder::sim::EventQueue;

TEST_CASE("events come by time, and equals in the order they were put in, whatever their lane") {
  Prng prng(3);
  EventQueue queue;
  std::vector<Event> waiting;
  uint32_t number = 0;
  uint32_t taken = 0;
  Instant now{};
  while (taken < 20000) {
    if (number < 20000 && (waiting.empty() || prng.below(3) != 0)) {
      const auto lane = static_cast<EventQueue::Lane>(prng.below(3));
      // Coarse, so that many are equal; a lane has a delay of its own most of the time.
      const auto delay =
          prng.below(4) == 0 ? prng.below(40) : 10 * (static_cast<uint32_t>(lane) + 1);
      const Event event{.when = now + Duration(delay), .target = number++};
      queue.push(lane, event);
      waiting.push_back(event);
      continue;
    }
    const auto expected = std::ranges::min_element(waiting, [](const Event& a, const Event& b) {
      return a.when != b.when ? a.when < b.when : a.target < b.target;
    });
    CHECK(queue.next_at() == expected->when);
    const Event event = queue.pop();
    REQUIRE(event.target == expected->target);
    now = event.when;
    waiting.erase(expected);
    ++taken;
  }
  CHECK(queue.empty());
  CHECK(queue.next_at() == murder::instant_never);
}
