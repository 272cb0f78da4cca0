#include "engine/policy/slot_set.h"

#include <doctest/doctest.h>

#include <set>

#include "engine/base/prng.h"

using murder::Prng;
using murder::policy::SlotSet;

TEST_CASE("a slot set holds what was put in and not taken out") {
  SlotSet slots(40);
  std::set<uint32_t> expected;
  Prng prng(1);
  for (int step = 0; step < 5000; ++step) {
    const uint32_t slot = prng.below(40);
    const bool present = prng.below(2) == 0;
    slots.set(slot, present);
    if (present) {
      expected.insert(slot);
    } else {
      expected.erase(slot);
    }
    REQUIRE(slots.size() == expected.size());
    std::set<uint32_t> walked;
    for (uint32_t position = 0; position < slots.size(); ++position) {
      walked.insert(slots.at(position));
    }
    REQUIRE(walked == expected);
    REQUIRE(slots.contains(slot) == present);
  }
}
