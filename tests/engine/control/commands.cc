// What operators ask a coordinator for.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include "engine/control/bounds.h"
#include "fleet_bench.h"

using namespace murder;
using namespace murder::control;
using namespace std::chrono_literals;

TEST_CASE("a rollback with nothing to return to holds") {
  FleetBench bench(4);
  Plan plan;
  plan.on_failure = OnFailure::rollback;
  CHECK(bench.start_rollout(1, plan));
  bench.all_have(1);
  bench.fails("w000", Reason::health);
  CHECK(bench.rollout().state == RolloutState::held);
  CHECK(says(bench.coordinator->undo("shop", "olga", bench.moment), "no host is known"));
}

TEST_CASE("resuming a rollout that is held tries again what failed") {
  FleetBench bench(4);
  CHECK(bench.start_rollout(1, {}));
  bench.all_have(1);
  bench.fails("w000", Reason::health);
  CHECK(bench.rollout().state == RolloutState::held);
  const uint64_t attempt = bench.target("w000").attempt;
  CHECK(bench.coordinator->resume("shop", "olga", bench.moment));
  bench.settle();
  CHECK(bench.stages() == "4 told");
  CHECK(bench.target("w000").attempt > attempt);
  bench.activate_all(1);
  CHECK(bench.rollout().state == RolloutState::done);
}

TEST_CASE("a pause tells nobody else, and those that were told finish") {
  FleetBench bench(6);
  Plan plan;
  plan.max_unavailable = share("2");
  CHECK(bench.start_rollout(1, plan));
  bench.all_have(1);
  CHECK(bench.coordinator->pause("shop", "olga", bench.moment));
  bench.settle();
  bench.activate_all(1);
  CHECK(bench.stages() == "2 healthy, 4 waiting");
  CHECK(bench.coordinator->resume("shop", "olga", bench.moment));
  bench.settle();
  CHECK(bench.stages() == "2 healthy, 2 told, 2 waiting");
}

TEST_CASE("an abort lets those finish that were told, and lets the others be") {
  FleetBench bench(6);
  Plan plan;
  plan.max_unavailable = share("2");
  CHECK(bench.start_rollout(1, plan));
  bench.all_have(1);
  CHECK(bench.coordinator->abort("shop", "olga", bench.moment));
  bench.settle();
  CHECK(bench.rollout().state == RolloutState::aborting);
  CHECK_FALSE(bench.wanted("w005").release.has_value());
  CHECK(says(bench.start_rollout(2, {}), "abort or undo it"));
  bench.activate_all(1);
  CHECK(bench.rollout().state == RolloutState::aborted);
  CHECK(bench.stages() == "2 healthy, 4 waiting");
  CHECK(bench.coordinator->abort("shop", "olga", bench.moment));
  CHECK(bench.start_rollout(2, {}));
}

TEST_CASE("undo returns every host to what it ran before") {
  FleetBench bench(4);
  bench.all_run(1);
  bench.runs("w003", 2);
  CHECK(bench.start_rollout(3, {}));
  bench.all_have(3);
  bench.activate_all(3);
  CHECK(bench.rollout().state == RolloutState::done);
  CHECK(bench.coordinator->undo("shop", "olga", bench.moment));
  bench.settle();
  CHECK(bench.wanted("w000").release == hash_of(1));
  CHECK(bench.wanted("w000").allow_older);
  CHECK(bench.wanted("w003").release == hash_of(2));
  bench.has("w003", 2);
  for (uint32_t index = 0; index < 3; ++index) {
    bench.runs(FleetBench::name(index), 1);
  }
  bench.runs("w003", 2);
  CHECK(bench.rollout().state == RolloutState::undone);
  CHECK(bench.stages() == "4 back-done");
  CHECK(bench.coordinator->undo("shop", "olga", bench.moment));  // done is done
}

TEST_CASE("undo keeps to max-unavailable and waits for hosts to have what they return to") {
  FleetBench bench(4);
  bench.all_run(1);
  CHECK(bench.start_rollout(2, {.max_unavailable = share("1")}));
  bench.all_have(2);
  bench.activate_all(2);
  for (auto& [host, report] : bench.reports) {
    report.apps[0].ready = {hash_of(2)};
    bench.hear(host);
  }
  CHECK(bench.coordinator->undo("shop", "olga", bench.moment));
  bench.settle();
  CHECK(bench.stages() == "4 healthy");
  CHECK(bench.rollout().state == RolloutState::undoing);
  bench.all_have(1);
  CHECK(bench.stages() == "1 back-told, 3 healthy");
  bench.activate_all(1);
  CHECK(bench.rollout().state == RolloutState::undone);
}

TEST_CASE("a revoked release is not told any more, and its rollout stops") {
  FleetBench bench(4);
  bench.all_run(1);
  CHECK(bench.start_rollout(2, {.max_unavailable = share("2")}));
  bench.all_have(2);
  CHECK(bench.coordinator->revoke("shop", "v2", "olga", bench.moment));
  bench.settle();
  CHECK(bench.told.size() == 4);
  CHECK(bench.rollout().state == RolloutState::held);
  CHECK(bench.wanted("w000").revoked == std::vector<InfoHash>{hash_of(2)});
  CHECK_FALSE(bench.wanted("w000").activate);
  CHECK(says(bench.coordinator->resume("shop", "olga", bench.moment), "revoked"));
  CHECK(says(bench.coordinator->publish("shop", "v9", hash_of(2), 9, "olga", bench.moment),
             "revoked"));
  CHECK(bench.coordinator->revoke("shop", "v2", "olga", bench.moment));  // done is done
  CHECK(says(bench.start_rollout(2, {}), "revoked"));
  CHECK(bench.coordinator->undo("shop", "olga", bench.moment));
}

TEST_CASE("a tag is published once") {
  FleetBench bench(1);
  CHECK(bench.coordinator->publish("shop", "v1", hash_of(1), 1, "otto", bench.moment));
  CHECK(bench.settle().empty());
  const Status other =
      bench.coordinator->publish("shop", "v1", hash_of(9), 1, "otto", bench.moment);
  CHECK(says(other, "was published by olga with other bytes"));
  CHECK(says(bench.coordinator->publish("shop", "v1", hash_of(1), 2, "otto", bench.moment),
             "another serial"));
  CHECK(bench.coordinator->publish("blog", "v1", hash_of(9), 1, "otto", bench.moment));
}

TEST_CASE("one rollout of an app at a time: the second one hears who, what and how far") {
  FleetBench bench(4);
  CHECK(bench.start_rollout(1, {}));
  CHECK(bench.start_rollout(1, {}));  // the same again
  CHECK(
      says(bench.start_rollout(2, {}), "shop v1, which olga started, is running, in wave 1 of 1"));
  CHECK(says(bench.start_rollout(1, {.bake = 1s}), "which olga started"));
  CHECK(bench.coordinator->publish("blog", "v1", hash_of(9), 1, "olga", bench.moment));
  CHECK(says(bench.coordinator->start("blog", "v1", {}, "olga", bench.moment),
             "no agent takes blog"));
}

TEST_CASE("what operators ask for and is not there") {
  FleetBench bench(1);
  Coordinator& coordinator = *bench.coordinator;
  const Moment moment = bench.moment;
  CHECK(says(coordinator.start("shop", "v9", {}, "olga", moment), "publish it first"));
  CHECK(says(coordinator.start("none", "v1", {}, "olga", moment), "publish it first"));
  CHECK(says(coordinator.start("shop", "v1", {.groups = {"none"}}, "olga", moment),
             "in these groups"));
  CHECK(says(coordinator.start("shop", "v1", {.bake = -1s}, "olga", moment), "bake"));
  CHECK(says(coordinator.revoke("shop", "v9", "olga", moment), "no release v9"));
  for (auto command :
       {&Coordinator::pause, &Coordinator::resume, &Coordinator::abort, &Coordinator::undo}) {
    CHECK(says((coordinator.*command)("shop", "olga", moment), "no rollout of shop"));
    CHECK(says((coordinator.*command)("none", "olga", moment), "no rollout of none"));
  }
  CHECK(says(coordinator.forget("none", "olga", moment), "no agent is named none"));
  CHECK(says(coordinator.publish("shop", "a/b", hash_of(9), 1, "olga", moment), "a/b"));
  CHECK(says(coordinator.publish("shop", "v9", hash_of(9), 1, "\x1b", moment), "who asks"));
  CHECK(bench.settle().empty());
}

TEST_CASE("a release that most hosts would refuse as older is not started unless it is meant") {
  FleetBench bench(4);
  bench.all_run(2);
  CHECK(says(bench.start_rollout(1, {}), "--allow-older"));
  CHECK(says(bench.start_rollout(1, {}), "v2"));
  CHECK(bench.start_rollout(3, {}));
  CHECK(bench.coordinator->abort("shop", "olga", bench.moment));
  bench.settle();
  SUBCASE("it is meant") {
    CHECK(bench.start_rollout(1, {.allow_older = true}));
  }
  SUBCASE("half of them run it already") {
    bench.runs("w000", 1);
    bench.runs("w001", 1);
    CHECK(bench.start_rollout(1, {}));
  }
}

TEST_CASE("what rollouts have left on hosts is known when the next one starts") {
  FleetBench bench(3);
  const auto earlier = [&] {
    std::string numbers;
    for (const ReleaseNumber number : bench.rollout().earlier) {
      numbers += fmt::format("{} ", number.raw);
    }
    return numbers;
  };
  CHECK(bench.start_rollout(1, {}));
  CHECK(earlier().empty());
  bench.all_have(1);
  bench.activate_all(1);
  CHECK(bench.rollout().state == RolloutState::done);
  CHECK(bench.start_rollout(2, {}));
  CHECK(earlier() == "1 ");
  SUBCASE("after an abort both are there") {
    CHECK(bench.coordinator->abort("shop", "olga", bench.moment));
    bench.settle();
    CHECK(bench.start_rollout(3, {}));
    CHECK(earlier() == "2 1 ");
  }
  SUBCASE("what was undone is not") {
    bench.all_have(2);
    bench.activate_all(2);
    CHECK(bench.coordinator->undo("shop", "olga", bench.moment));
    bench.settle();
    bench.activate_all(1);
    CHECK(bench.rollout().state == RolloutState::undone);
    CHECK(bench.start_rollout(3, {}));
    CHECK(earlier() == "1 ");
  }
  SUBCASE("it outlives snapshots, and many releases that nobody rolls out") {
    for (uint32_t number = 4; number <= limits::control_releases_max + 4; ++number) {
      InfoHash info_hash = hash_of(0);
      info_hash.bytes[1] = static_cast<uint8_t>(number);
      info_hash.bytes[2] = static_cast<uint8_t>(number >> 8U);
      REQUIRE(bench.coordinator->publish("shop", fmt::format("n{}", number), info_hash, number,
                                         "olga", bench.moment));
    }
    bench.settle();
    bench.log = snapshot_of(bench.coordinator->state());
    bench.start();
    CHECK(earlier() == "1 ");
  }
}

TEST_CASE("a host that was told and then forgotten is named by undo, and returns when it is back") {
  FleetBench bench(3);
  bench.all_run(1);
  CHECK(bench.start_rollout(2, {}));
  bench.all_have(2);
  bench.activate_all(2);
  CHECK(bench.coordinator->forget("w001", "olga", bench.moment));
  bench.settle();
  CHECK(bench.stages() == "2 healthy");
  const Report gone = bench.reports.at("w001");
  bench.reports.erase("w001");
  bench.log = snapshot_of(bench.coordinator->state());
  bench.start();
  bench.hear_all();
  CHECK(bench.coordinator->undo("shop", "olga", bench.moment));
  bench.settle();
  bench.activate_all(1);
  CHECK(bench.rollout().state == RolloutState::undone);
  const std::vector<Unsettled> named = bench.coordinator->unsettled("shop", bench.moment.now);
  REQUIRE(named.size() == 1);
  CHECK(named[0].why.find("forgotten") != std::string::npos);
  bench.reports.emplace("w001", gone);
  bench.reports.at("w001").groups = {};
  bench.hear("w001");
  CHECK(bench.wanted("w001").release == hash_of(1));
  CHECK(bench.wanted("w001").activate);
  bench.activate_all(1);
  CHECK(bench.stages() == "3 back-done");
  CHECK(bench.coordinator->unsettled("shop", bench.moment.now).empty());
}

TEST_CASE("who revoked a release, when and why is kept") {
  FleetBench bench(1);
  CHECK(bench.coordinator->revoke("shop", "v2", "olga", bench.moment, "loses\norders"));
  CHECK(bench.coordinator->revoke("shop", "v2", "otto", bench.moment, "again"));
  bench.settle();
  bench.log = snapshot_of(bench.coordinator->state());
  bench.start();
  const Release& release =
      *find_release(*bench.coordinator->state().find_app("shop"), std::string_view("v2"));
  CHECK(release.revoked_by == "olga");
  CHECK(release.revoked_why == "loses\\norders");
  CHECK(release.revoked_wall_s == bench.moment.wall_s);
}
