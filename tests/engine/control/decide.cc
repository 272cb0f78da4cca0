// How a rollout goes on.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include "engine/control/bounds.h"
#include "fleet_bench.h"

using namespace murder;
using namespace murder::control;
using namespace std::chrono_literals;

TEST_CASE("all are told to fetch at once, and to activate in waves") {
  FleetBench bench(20);
  CHECK(bench.start_rollout(1, in_waves("1,10%,50%,100%")));
  CHECK(bench.told.size() == 20);
  CHECK(bench.wanted("w019").release == hash_of(1));
  CHECK_FALSE(bench.wanted("w000").activate);
  bench.all_have(1);
  CHECK(bench.stages() == "1 told, 19 waiting");
  CHECK(bench.wanted("w000").activate);
  bench.runs("w000", 1);
  CHECK(bench.stages() == "1 healthy, 1 told, 18 waiting");
  bench.runs("w001", 1);
  CHECK(bench.stages() == "2 healthy, 8 told, 10 waiting");
  bench.activate_all(1);
  CHECK(bench.stages() == "20 healthy");
  CHECK(bench.rollout().state == RolloutState::done);
  CHECK(bench.coordinator->unsettled("shop", bench.moment.now).empty());
  CHECK(bench.wanted("w000").confirmed);
  CHECK_FALSE(bench.wanted("w000").activate);
}

TEST_CASE("what is there already is done and nobody is told anything") {
  FleetBench bench(3);
  bench.all_run(1);
  CHECK(bench.start_rollout(1, {}));
  CHECK(bench.stages() == "3 healthy");
  CHECK(bench.rollout().state == RolloutState::done);
  CHECK_FALSE(bench.target("w000").touched);
}

TEST_CASE("what its own deploy has switched before goes back with the others") {
  FleetBench bench(5);
  bench.all_run(1);
  // Three were switched by a coordinator that is lost, one from what nobody knows here. Another one
  // runs it from an earlier deploy.
  for (const char* host : {"w000", "w001", "w002", "w003"}) {
    bench.app(host).ready = {hash_of(1), hash_of(2)};
    bench.app(host).active = hash_of(2);
  }
  bench.app("w001").switched_from = hash_of(9);
  bench.app("w002").switched_from = bench.app("w003").switched_from = hash_of(1);
  bench.hear_all();
  bench.has("w004", 2);
  Plan plan = in_waves("1,100%");
  plan.bake = std::chrono::seconds(30);
  REQUIRE(bench.start_rollout(2, plan));
  // Whatever wave it is, and however few may be down: nothing is run there.
  CHECK(bench.stages() == "1 healthy, 1 waiting, 2 told, 1 waiting");
  CHECK(bench.target("w002").before == ReleaseNumber{1});
  bench.activate_all(2);
  CHECK(bench.stages() == "1 healthy, 1 waiting, 2 healthy, 1 waiting");
  REQUIRE(bench.coordinator->undo("shop", "olga", bench.moment));
  bench.settle();
  CHECK_FALSE(bench.wanted("w000").release.has_value());
  bench.activate_all(1);
  CHECK(bench.rollout().state == RolloutState::undone);
  CHECK(bench.stages() == "1 healthy, 1 waiting, 2 back-done, 1 waiting");
}

TEST_CASE("what its own deploy has switched before is known to go back also while nobody is told") {
  FleetBench bench(2);
  bench.all_run(1);
  REQUIRE(bench.start_rollout(2, in_waves("100%")));
  REQUIRE(bench.coordinator->pause("shop", "olga", bench.moment));
  bench.settle();
  bench.app("w000").ready = {hash_of(1), hash_of(2)};
  bench.app("w000").active = hash_of(2);
  bench.app("w000").switched_from = hash_of(1);
  bench.hear("w000");
  CHECK(bench.stages() == "1 told, 1 waiting");
  bench.runs("w000", 2);
  CHECK(bench.target("w000").touched);
  CHECK(bench.target("w000").stage == Stage::healthy);
  // What nobody can return to is told in its turn.
  FleetBench other(1);
  other.app("w000").ready = {hash_of(2)};
  other.app("w000").active = hash_of(2);
  other.app("w000").is_healthy = true;
  other.app("w000").switched_from = hash_of(9);
  other.hear_all();
  REQUIRE(other.start_rollout(2, in_waves("100%")));
  CHECK(other.stages() == "1 told");
  CHECK(other.target("w000").before == no_release);
}

TEST_CASE("a wave bakes before the next one, and a failure in that time counts") {
  FleetBench bench(10);
  Plan plan = in_waves("2,100%");
  plan.bake = 30s;
  plan.max_fail = share("1");
  CHECK(bench.start_rollout(1, plan));
  bench.all_have(1);
  bench.activate_all(1);
  CHECK(bench.stages() == "2 healthy, 8 waiting");
  bench.pass(29s);
  CHECK(bench.rollout().wave == 0);
  bench.app("w001").is_healthy = false;
  bench.hear("w001");
  CHECK(bench.rollout().state == RolloutState::held);
  CHECK(bench.rollout().why == "1 of 10 hosts failed: w001 (not healthy)");
  bench.pass(10min);
  CHECK(bench.stages() == "1 healthy, 1 failed, 8 waiting");
}

TEST_CASE("a wave that stays healthy is through when it has baked") {
  FleetBench bench(10);
  Plan plan = in_waves("2,100%");
  plan.bake = 30s;
  CHECK(bench.start_rollout(1, plan));
  bench.all_have(1);
  bench.activate_all(1);
  bench.pass(30s);
  CHECK(bench.rollout().wave == 1);
  CHECK(bench.stages() == "2 healthy, 8 told");
}

TEST_CASE("what happens while a wave bakes begins its time anew") {
  FleetBench bench(10);
  Plan plan = in_waves("2,100%");
  plan.bake = 30s;
  plan.max_fail = share("50%");
  CHECK(bench.start_rollout(1, plan));
  bench.all_have(1);
  bench.activate_all(1);
  bench.pass(20s);
  bench.app("w001").is_healthy = false;
  bench.hear("w001");
  bench.pass(29s);
  CHECK(bench.rollout().wave == 0);
  bench.pass(1s);
  CHECK(bench.rollout().wave == 1);
}

TEST_CASE("the bound of failures is reached, not exceeded: hold or roll back") {
  for (const OnFailure on_failure : {OnFailure::hold, OnFailure::rollback}) {
    FleetBench bench(10);
    bench.all_run(1);
    Plan plan = in_waves("5,100%");
    plan.max_fail = share("20%");
    plan.on_failure = on_failure;
    CHECK(bench.start_rollout(2, plan));
    bench.all_have(2);
    CHECK(bench.stages() == "5 told, 5 waiting");
    bench.fails("w000", Reason::health);
    CHECK(bench.rollout().state == RolloutState::running);
    CHECK(bench.stages() == "1 failed, 4 told, 5 waiting");
    bench.fails("w001", Reason::activation);
    if (on_failure == OnFailure::hold) {
      CHECK(bench.rollout().state == RolloutState::held);
      CHECK(bench.stages() == "2 failed, 3 told, 5 waiting");
      continue;
    }
    CHECK(bench.rollout().state == RolloutState::undoing);
    const std::string why = bench.rollout().why;
    CHECK_FALSE(why.empty());
    // Those that are back by themselves, and those that have not begun, are returned.
    CHECK(bench.wanted("w002").release == hash_of(1));
    bench.activate_all(1);
    CHECK(bench.rollout().state == RolloutState::undone);
    CHECK(bench.rollout().why == why);
    CHECK(bench.stages() == "5 back-done, 5 waiting");
  }
}

TEST_CASE("a host that is not well on what it goes back to either holds up no way back") {
  FleetBench bench(2);
  bench.all_run(1);
  Plan plan;
  plan.max_fail = share("1");
  plan.on_failure = OnFailure::rollback;
  CHECK(bench.start_rollout(2, plan));
  bench.all_have(2);
  bench.runs("w001", 2);
  AppReport& own = bench.app("w000");
  own.phase = Phase::returning;
  own.is_healthy = false;
  bench.fails("w000", Reason::health);
  CHECK(bench.rollout().state == RolloutState::undoing);
  CHECK(bench.target("w000").stage == Stage::failed);  // it is not told what it does
  own.phase = Phase::checking_return;
  bench.hear("w000");
  bench.activate_all(1);
  CHECK(bench.rollout().state == RolloutState::undoing);
  own.phase = Phase::idle;
  own.text = "so; and so it was before";
  bench.hear("w000");
  CHECK(bench.rollout().state == RolloutState::undone);
  CHECK(bench.stages() == "1 back-failed, 1 back-done");
  const std::vector<Unsettled> named = bench.coordinator->unsettled("shop", bench.moment.now);
  REQUIRE(named.size() == 1);
  CHECK(named[0].why == "not healthy: so; and so it was before");
  // Its own failure is known, also when it is well again.
  CHECK(bench.target("w000").failed_reason == Reason::health);
  CHECK(bench.target("w001").failed_reason == Reason::none);
  bench.runs("w000", 1);
  CHECK(bench.stages() == "2 back-done");
  CHECK(bench.target("w000").failed_text == "so");
}

TEST_CASE("never more are down than max-unavailable, of all and of a rack") {
  FleetBench bench(12, {"r1", "r2", "r3"});
  bench.all_run(1);
  Plan plan;
  plan.max_unavailable = share("25%");
  plan.rack_max_unavailable = share("1");
  CHECK(bench.start_rollout(2, plan));
  bench.all_have(2);
  CHECK(bench.stages() == "3 told, 9 waiting");
  bench.runs("w000", 2);
  CHECK(bench.stages() == "1 healthy, 3 told, 8 waiting");  // the next one of rack r1
  // One that failed and is not healthy again is down as well.
  bench.app("w001").is_healthy = false;
  bench.fails("w001", Reason::health);
  CHECK(bench.rollout().state == RolloutState::held);
  CHECK(bench.coordinator->unsettled("shop", bench.moment.now).size() == 11);
}

TEST_CASE("a host that reported it is healthy counts as down until it has heard that it may stay") {
  FleetBench bench(4);
  bench.all_run(1);
  Plan plan;
  plan.max_unavailable = share("1");
  plan.confirm_within = 60s;
  CHECK(bench.start_rollout(2, plan));
  bench.all_have(2);
  AppReport& own = bench.app("w000");
  own.active = hash_of(2);
  own.attempt = bench.wanted("w000").attempt;
  own.is_unconfirmed = true;
  bench.hear("w000");
  CHECK(bench.stages() == "1 healthy, 3 waiting");
  CHECK(bench.wanted("w000").confirmed);
  own.is_unconfirmed = false;
  bench.hear("w000");
  CHECK(bench.stages() == "1 healthy, 1 told, 2 waiting");
}

TEST_CASE("one that went back by itself is told again") {
  FleetBench bench(2);
  bench.all_run(1);
  CHECK(bench.start_rollout(2, {}));
  bench.all_have(2);
  bench.activate_all(2);
  CHECK(bench.rollout().state == RolloutState::done);
  bench.app("w000").active = hash_of(1);
  bench.app("w000").failure = Reason::unconfirmed;
  bench.app("w000").failed_attempt = bench.app("w000").attempt;
  bench.hear("w000");
  CHECK(bench.stages() == "1 told, 1 healthy");
}

TEST_CASE("a host that drifts for ever is told so many times and then named") {
  FleetBench bench(2);
  Plan plan;
  plan.max_fail = share("100%");
  CHECK(bench.start_rollout(2, plan));
  bench.all_have(2);
  bench.activate_all(2);
  for (int times = 0; times < 20; ++times) {
    bench.app("w000").active = hash_of(1);
    bench.hear("w000");
    bench.activate_all(2);
  }
  CHECK(bench.target("w000").stage == Stage::failed);
  CHECK(bench.target("w000").reason == Reason::drifted);
  CHECK(bench.coordinator->unsettled("shop", bench.moment.now).size() == 1);
  CHECK(bench.log.size() < 60);
}

TEST_CASE("a report that changes for ever makes a log that ends") {
  FleetBench bench(2);
  CHECK(bench.start_rollout(2, {.max_fail = share("100%")}));
  for (int times = 0; times < 20; ++times) {
    bench.app("w000").active = hash_of(2);  // and it never has what it could be told to activate
    bench.app("w000").is_healthy = true;
    bench.hear("w000");
    bench.app("w000").active = hash_of(1);
    bench.hear("w000");
  }
  CHECK(bench.target("w000").reason == Reason::drifted);
  CHECK(bench.log.size() < 30);
}

TEST_CASE("a host that is away holds nobody up, is named, and converges when it is back") {
  FleetBench bench(4);
  CHECK(bench.start_rollout(1, {}));
  const Report away = bench.reports.at("w003");
  bench.reports.erase("w003");
  for (int times = 0; times < 4; ++times) {
    bench.pass(25s);
    bench.hear_all();
  }
  bench.all_have(1);
  bench.activate_all(1);
  CHECK(bench.rollout().state == RolloutState::done);
  CHECK(bench.stages() == "3 healthy, 1 waiting");
  const std::vector<Unsettled> named = bench.coordinator->unsettled("shop", bench.moment.now);
  REQUIRE(named.size() == 1);
  CHECK(named[0].why == "away");
  bench.reports.emplace("w003", away);
  bench.has("w003", 1);
  CHECK(bench.stages() == "3 healthy, 1 told");
  bench.activate_all(1);
  CHECK(bench.stages() == "4 healthy");
}

TEST_CASE("a canary wave waits for a host to try: all being away is no success") {
  FleetBench bench(4);
  CHECK(bench.start_rollout(1, in_waves("1,100%")));
  bench.reports.clear();
  for (int times = 0; times < 10; ++times) {
    bench.pass(60s);
  }
  CHECK(bench.rollout().state == RolloutState::running);
  CHECK(bench.rollout().wave == 0);
}

TEST_CASE("a host that was told and is gone fails after the time for its outcome") {
  FleetBench bench(4);
  Plan plan;
  plan.healthy_deadline = 60s;
  plan.max_fail = share("50%");
  CHECK(bench.start_rollout(1, plan));
  bench.all_have(1);
  const Report gone = bench.reports.at("w000");
  bench.reports.erase("w000");
  bench.activate_all(1);
  bench.pass(settle_within(plan) - 1s);
  CHECK(bench.target("w000").stage == Stage::told);
  bench.pass(1s);
  CHECK(bench.target("w000").reason == Reason::lost);
  bench.hear_all();
  CHECK(bench.rollout().state == RolloutState::done);
  bench.reports.emplace("w000", gone);
  bench.hear("w000");
  CHECK(bench.target("w000").stage == Stage::told);
}

TEST_CASE("a host that fetches and gets nothing is late") {
  FleetBench bench(3);
  Plan plan;
  plan.progress_deadline = 120s;
  CHECK(bench.start_rollout(1, plan));
  for (int times = 0; times < 6; ++times) {
    bench.pass(30s);
    for (const char* host : {"w000", "w001"}) {
      bench.app(host).phase = Phase::fetching;
      bench.app(host).progress += 1;
    }
    bench.hear_all();
  }
  CHECK(bench.target("w002").reason == Reason::late);
  CHECK(bench.target("w000").stage == Stage::waiting);
  CHECK(bench.rollout().state == RolloutState::held);
}

TEST_CASE("no host is activated before the time that was asked for") {
  FleetBench bench(2);
  Plan plan;
  plan.begin_wall_s = bench.moment.wall_s + 60;
  CHECK(bench.start_rollout(1, plan));
  bench.all_have(1);
  bench.pass(59s);
  CHECK(bench.stages() == "2 waiting");
  bench.pass(1s);
  CHECK(bench.stages() == "2 told");
}

TEST_CASE("no host is activated before the quorum has the release") {
  FleetBench bench(4);
  Plan plan;
  plan.quorum = share("75%");
  CHECK(bench.start_rollout(1, plan));
  bench.has("w000", 1);
  bench.has("w001", 1);
  CHECK(bench.stages() == "4 waiting");
  bench.has("w002", 1);
  CHECK(bench.stages() == "3 told, 1 waiting");
}

TEST_CASE("what a rollout waits for besides hosts, and how long still") {
  FleetBench bench(4);
  const auto wait = [&] {
    return bench.coordinator->wait_of(*bench.coordinator->state().find_app("shop"), bench.moment);
  };
  CHECK(bench.start_rollout(1, {.waves = parse_waves("1,100%").value(),
                                .bake = 30s,
                                .quorum = share("50%"),
                                .begin_wall_s = bench.moment.wall_s + 60}));
  CHECK(wait().reason == WaitReason::begin_time);
  CHECK(wait().left == 60s);
  bench.pass(60s);
  bench.hear_all();
  CHECK(wait().reason == WaitReason::quorum);
  bench.all_have(1);
  CHECK(wait().reason == WaitReason::none);
  bench.runs("w000", 1);
  CHECK(wait().reason == WaitReason::bake);
  bench.pass(10s);
  CHECK(wait().left == 20s);
  CHECK(bench.coordinator->pause("shop", "olga", bench.moment));
  CHECK(wait().reason == WaitReason::none);
}

TEST_CASE("of a host that was told and is silent it is said how long it is waited for") {
  FleetBench bench(2);
  CHECK(bench.start_rollout(1, {.waves = parse_waves("1,100%").value(), .healthy_deadline = 60s}));
  bench.all_have(1);
  const auto why = [&] {
    return bench.coordinator->unsettled("shop", bench.moment.now).front().why;
  };
  CHECK(why() == "activating");
  bench.pass(61s);
  CHECK(why() == "activating; not heard for 1 min 01 s, given up in 2 min 29 s");
  bench.pass(60s);
  CHECK(why() == "activating; not heard for 2 min 01 s, given up in 1 min 29 s");
}
