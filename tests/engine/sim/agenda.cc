#include "engine/sim/agenda.h"

#include <doctest/doctest.h>

#include <set>
#include <utility>
#include <vector>

#include "engine/base/prng.h"

using murder::Duration;
using murder::Instant;
using murder::Prng;
using murder::sim::Agenda;
using murder::sim::Event;

TEST_CASE("events come by time, and equals in the order they were put in") {
  Prng prng(3);
  Agenda agenda;
  std::set<std::pair<Instant, uint32_t>> waiting;
  uint32_t number = 0;
  Instant now{};
  for (uint32_t taken = 0; taken < 20000;) {
    if (number < 20000 && (waiting.empty() || prng.below(3) != 0)) {
      Event event;
      event.when = now + Duration(prng.below(40));  // coarse, so that many are equal
      event.target = number++;
      agenda.push(event);
      waiting.emplace(event.when, event.target);
      continue;
    }
    const auto expected = waiting.begin();
    CHECK(agenda.next_at() == expected->first);
    const Event event = agenda.pop();
    REQUIRE(event.target == expected->second);
    now = event.when;
    waiting.erase(expected);
    ++taken;
  }
  CHECK(agenda.events().empty());
  CHECK(agenda.next_at() == murder::instant_never);
}

TEST_CASE("what an event carries is what was put into it") {
  std::vector<int> object = {1, 2};
  Event event;
  event.carry(&object);
  const Event copy = event;
  CHECK(copy.carried<std::vector<int>>() == &object);
}
