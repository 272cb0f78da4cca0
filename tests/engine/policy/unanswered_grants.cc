#include "engine/policy/unanswered_grants.h"

#include <doctest/doctest.h>

using murder::Instant;
using murder::policy::UnansweredGrants;
using namespace std::chrono_literals;

TEST_CASE("more unanswered grants than slots are noticed, and forgotten one every ten seconds") {
  UnansweredGrants grants;
  Instant now{1000s};
  CHECK(!grants.more_than(0));
  for (int count = 0; count < 3; ++count) {
    grants.one_more(now += 1s);
  }
  CHECK(grants.more_than(2));
  CHECK(!grants.more_than(3));
  grants.forget(now += 9s);
  CHECK(grants.more_than(1));
  grants.forget(now += 100s);
  CHECK(!grants.more_than(0));
}

TEST_CASE("however many grants are unanswered, that is over within minutes") {
  UnansweredGrants grants;
  Instant now{1000s};
  for (int count = 0; count < 100000; ++count) {
    grants.one_more(now += 1ms);
  }
  CHECK(grants.more_than(8));
  grants.forget(now += 300s);
  CHECK(!grants.more_than(0));
}
