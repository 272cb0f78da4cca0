#include "engine/policy/message_budget.h"

#include <doctest/doctest.h>

using murder::Instant;
using murder::policy::MessageBudget;
using namespace std::chrono_literals;

namespace {

constexpr MessageBudget::Limits small{.at_once = 10, .per_second = 100, .bytes_free = 64};

uint32_t taken(MessageBudget& budget, Instant now, uint64_t bytes = 5) {
  uint32_t count = 0;
  while (count < 1000 && budget.take(bytes, now)) {
    ++count;
  }
  return count;
}

}  // namespace

TEST_CASE("a link may send some at once, and some a second") {
  MessageBudget budget(small, Instant{1s});
  CHECK(taken(budget, Instant{1s}) == 10);
  CHECK_FALSE(budget.take(5, Instant{1s}));
  CHECK(taken(budget, Instant{1100ms}) == 8);  // two were taken in vain
  CHECK(taken(budget, Instant{1h}) == 10);
}

TEST_CASE("large messages count as several") {
  MessageBudget budget(small, Instant{1s});
  CHECK(taken(budget, Instant{1s}, 64) == 5);
  MessageBudget other(small, Instant{1s});
  CHECK_FALSE(other.take(64 * 1024, Instant{1s}));
}

TEST_CASE("what is of use pays for others") {
  MessageBudget budget(small, Instant{1s});
  for (int count = 0; count < 1000; ++count) {
    budget.earn();
    CHECK(budget.take(5, Instant{1s}));
  }
  CHECK(taken(budget, Instant{1s}) <= 10);
}
