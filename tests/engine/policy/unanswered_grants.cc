#include "engine/policy/unanswered_grants.h"

#include <doctest/doctest.h>

using murder::Instant;
using murder::policy::UnansweredGrants;
using namespace std::chrono_literals;

TEST_CASE("more unanswered grants than slots are noticed, and forgotten one every ten seconds") {
  UnansweredGrants grants;
  Instant now{1000s};
  CHECK(!grants.exceeds(0));
  for (int count = 0; count < 3; ++count) {
    grants.record(now += 1s);
  }
  CHECK(grants.exceeds(2));
  CHECK(!grants.exceeds(3));
  grants.forget(now += 9s);
  CHECK(grants.exceeds(1));
  grants.forget(now += 100s);
  CHECK(!grants.exceeds(0));
}

TEST_CASE("however many grants are unanswered, that is over within minutes") {
  UnansweredGrants grants;
  Instant now{1000s};
  for (int count = 0; count < 100000; ++count) {
    grants.record(now += 1ms);
  }
  CHECK(grants.exceeds(8));
  grants.forget(now += 300s);
  CHECK(!grants.exceeds(0));
}
