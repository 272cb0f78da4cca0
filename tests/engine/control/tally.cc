#include "engine/control/tally.h"

#include <doctest/doctest.h>

#include "fleet_bench.h"

using namespace murder;
using namespace murder::control;

TEST_CASE("hosts are counted by what they are, overall and by rack") {
  App app;
  app.rollout.emplace();
  const Release release{.number = ReleaseNumber{1}, .info_hash = hash_of(1)};
  AppReport report;
  report.is_healthy = true;
  report.ready = {hash_of(1)};
  Tally tally;
  const auto add = [&](Stage stage, bool touched, uint32_t rack, bool is_present = true) {
    const Target target{.stage = stage, .touched = touched};
    tally.add({.app = app,
               .target = target,
               .release = release,
               .is_present = is_present,
               .report = is_present ? &report : nullptr},
              rack);
  };
  add(Stage::waiting, false, 0);
  add(Stage::waiting, false, 0, /*is_present=*/false);
  add(Stage::told, true, 2);
  add(Stage::healthy, true, 2);
  add(Stage::healthy, false, 2);
  add(Stage::failed, true, 2);
  add(Stage::back_told, true, 1);
  add(Stage::back_done, true, 1);
  CHECK(tally.target_count == 8);
  CHECK(tally.tried_count == 6);
  CHECK(tally.in_flight_count == 2);
  CHECK(tally.failed_count == 1);
  CHECK(tally.down_count == 2);
  CHECK(tally.untried_count == 1);
  CHECK(tally.ready_count == 7);
  CHECK(tally.unreturned_count == 4);
  CHECK(tally.racks[2].target_count == 4);
  CHECK(tally.racks[2].down_count == 1);
}

TEST_CASE("there is room while fewer are down than may be, overall and in the rack") {
  Plan plan;
  plan.max_unavailable = share("25%");
  plan.rack_max_unavailable = share("1");
  Tally tally{.target_count = 8, .down_count = 1, .racks = {{4, 1}, {4, 0}}};
  const Agent in_first{.rack = "r0", .rack_number = 0};
  const Agent in_second{.rack = "r1", .rack_number = 1};
  CHECK_FALSE(has_room(tally, plan, in_first));
  CHECK(has_room(tally, plan, in_second));
  CHECK(has_room(tally, plan, {.rack = "", .rack_number = 0}));  // in no rack
  tally.down_count = 2;
  CHECK_FALSE(has_room(tally, plan, in_second));
}

TEST_CASE("a wave is settled when as many as it is for were tried and none is under way") {
  Plan plan;
  plan.waves = parse_waves("2,50%").value();  // 2, 5, 10 of 10
  CHECK_FALSE(is_settled({.target_count = 10, .tried_count = 1}, plan, 0));
  CHECK(is_settled({.target_count = 10, .tried_count = 2, .untried_count = 8}, plan, 0));
  CHECK_FALSE(is_settled({.target_count = 10, .tried_count = 2, .in_flight_count = 1}, plan, 0));
  CHECK_FALSE(is_settled({.target_count = 10, .tried_count = 4}, plan, 1));
  // The last one does not wait for those that are away.
  CHECK(is_settled({.target_count = 10, .tried_count = 7}, plan, 2));
  CHECK_FALSE(is_settled({.target_count = 10, .tried_count = 7, .untried_count = 1}, plan, 2));
  CHECK_FALSE(is_settled({.target_count = 10, .tried_count = 4}, plan, 2));
  CHECK_FALSE(is_settled({.target_count = 3}, Plan{}, 0));
  CHECK(is_settled({}, Plan{}, 0));
}

TEST_CASE("a wave that is for no more hosts than the one before is left out") {
  Plan plan;
  plan.waves = parse_waves("1,10%,20%,100%").value();
  CHECK(wave_after(plan, 0, 100) == 1);
  CHECK(wave_after(plan, 0, 10) == 2);
  CHECK(wave_after(plan, 0, 3) == 3);
  CHECK(wave_after(plan, 2, 1) == 3);
}

TEST_CASE("failures stop when the bound is reached") {
  Plan plan;
  plan.max_fail = share("20%");
  CHECK_FALSE(has_failed({.target_count = 10, .failed_count = 1}, plan));
  CHECK(has_failed({.target_count = 10, .failed_count = 2}, plan));
  CHECK_FALSE(has_failed({}, plan));
}
