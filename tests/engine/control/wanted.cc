#include "engine/control/wanted.h"

#include <doctest/doctest.h>

#include "engine/control/bounds.h"
#include "fleet_bench.h"

using namespace murder;
using namespace murder::control;
using namespace std::chrono_literals;

TEST_CASE("an agent is told of the apps that it takes and the coordinator knows") {
  FleetBench bench(1);
  CHECK(bench.wanted("w000") == WantedApp{.app = "shop"});
  CHECK(bench.coordinator->publish("blog", "v1", hash_of(9), 1, "olga", bench.moment));
  CHECK(bench.coordinator->wanted_for(AgentIndex{0}).apps.size() == 1);
}

TEST_CASE("an agent is told to activate in the stages told and back-told alone") {
  FleetBench bench(1);
  bench.all_run(1);
  Plan plan;
  plan.confirm_within = 60s;
  plan.allow_older = true;
  CHECK(bench.start_rollout(2, plan));
  WantedApp wanted = bench.wanted("w000");
  CHECK(wanted.release == hash_of(2));
  CHECK(wanted.serial == 2);
  CHECK(wanted.min_healthy == 10s);
  CHECK(wanted.healthy_deadline == 5min);
  CHECK(wanted.confirm_within == 60s);
  CHECK(wanted.allow_older);
  CHECK_FALSE(wanted.activate);
  const uint64_t first_attempt = wanted.attempt;
  bench.has("w000", 2);
  wanted = bench.wanted("w000");
  CHECK(wanted.activate);
  CHECK_FALSE(wanted.confirmed);
  CHECK(wanted.attempt > first_attempt);
  bench.runs("w000", 2);
  wanted = bench.wanted("w000");
  CHECK_FALSE(wanted.activate);
  CHECK(wanted.confirmed);
  CHECK(bench.coordinator->undo("shop", "olga", bench.moment));
  bench.settle();
  wanted = bench.wanted("w000");
  CHECK(wanted.activate);
  CHECK(wanted.release == hash_of(1));
  CHECK(wanted.confirm_within == 0s);  // there is nothing to go back to from there
  bench.runs("w000", 1);
  wanted = bench.wanted("w000");
  CHECK_FALSE(wanted.activate);
  CHECK(wanted.confirmed);
}

TEST_CASE("an agent hears of the latest revoked releases, whatever else is wanted") {
  FleetBench bench(1);
  for (uint8_t number = 4; number < 100; ++number) {
    bench.publish(number);
    CHECK(bench.coordinator->revoke("shop", fmt::format("v{}", number), "olga", bench.moment));
  }
  bench.settle();
  const std::vector<InfoHash> revoked = bench.wanted("w000").revoked;
  CHECK(revoked.size() == limits::control_revoked_told_max);
  CHECK(revoked.front() == hash_of(99));
}

TEST_CASE("the message grows with the state and echoes the agent's session and report") {
  FleetBench bench(1);
  const Wanted before = bench.coordinator->wanted_for(AgentIndex{0});
  CHECK(before.origin == 77);
  CHECK(before.greeting == bench.reports.at("w000").greeting);
  CHECK(before.heard_number == bench.reports.at("w000").number);
  bench.publish(9);
  CHECK(bench.coordinator->wanted_for(AgentIndex{0}).revision == before.revision + 1);
}
