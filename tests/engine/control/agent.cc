#include "engine/control/agent.h"

#include <doctest/doctest.h>

#include "agent_bench.h"

using namespace murder;
using namespace murder::control;
using namespace std::chrono_literals;

TEST_CASE("what is wanted is fetched, verified, activated and checked") {
  AgentBench bench;
  CHECK(bench.hear() == "fetch2");
  CHECK(bench.report().phase == Phase::fetching);
  CHECK(bench.done() == "verify2");
  CHECK(bench.done() == "");
  CHECK(bench.has_reported);
  CHECK(bench.report().ready == std::vector<InfoHash>{hash_of(1), hash_of(2)});
  CHECK(bench.report().active == hash_of(1));
  bench.app().activate = true;
  bench.app().attempt = 11;
  CHECK(bench.hear() == "activate2");
  CHECK_FALSE(bench.report().is_healthy);
  CHECK(bench.done() == "");
  CHECK(bench.report().phase == Phase::checking);
  bench.health(true);
  bench.pass(9s);
  CHECK(bench.report().phase == Phase::checking);
  CHECK(bench.machine->next_at() == bench.now + 1s);
  bench.pass(1s);
  const AppReport report = bench.report();
  CHECK(report.phase == Phase::idle);
  CHECK(report.active == hash_of(2));
  CHECK(report.is_healthy);
  CHECK(report.attempt == 11);
  CHECK_FALSE(report.is_unconfirmed);
  CHECK(bench.kept.apps[0].previous->info_hash == hash_of(1));
}

TEST_CASE("without a health check a release is healthy once it is active") {
  AgentBench bench(/*checks_health=*/false);
  bench.be_told();
  bench.done();
  CHECK(bench.report().is_healthy);
}

TEST_CASE("a release that does not get healthy in time is gone back from") {
  AgentBench bench;
  bench.be_told();
  bench.done();
  bench.health(false);
  CHECK(bench.pass(59s) == "");
  CHECK(bench.pass(1s) == "activate1");
  CHECK(bench.report().phase == Phase::returning);
  CHECK(bench.report().failure == Reason::health);
  CHECK(bench.report().failed_attempt == 11);
  bench.done();
  CHECK(bench.report().phase == Phase::checking_return);
  bench.health(true);
  CHECK(bench.report().phase == Phase::idle);
  CHECK(bench.report().active == hash_of(1));
  CHECK(bench.report().is_healthy);
  CHECK(bench.hear() == "");  // the same attempt once
  bench.app().attempt = 12;
  CHECK(bench.hear() == "activate2");
}

TEST_CASE("health that comes and goes begins anew") {
  AgentBench bench;
  bench.be_told();
  bench.done();
  for (int times = 0; times < 5; ++times) {
    bench.health(true);
    bench.pass(9s);
    bench.health(false);
  }
  CHECK(bench.report().phase == Phase::checking);
  CHECK(bench.pass(15s) == "activate1");
}

TEST_CASE("an activation that fails or hangs is gone back from") {
  AgentBench fails;
  fails.be_told();
  CHECK(fails.done(false) == "activate1");
  CHECK(fails.report().failure == Reason::activation);
  CHECK(fails.report().text == "it broke");

  AgentBench hangs;
  hangs.be_told();
  const uint64_t hanging = hangs.last_step;
  CHECK(hangs.pass(60s) == "cancel2 activate1");
  hangs.machine->end_step("shop", hanging, true, "", hangs.now);  // too late
  CHECK(hangs.report().phase == Phase::returning);
}

TEST_CASE("going back that fails as well is given up and reported") {
  AgentBench bench;
  bench.be_told();
  bench.done(false);
  CHECK(bench.pass(60s) == "cancel1");
  CHECK(bench.report().phase == Phase::idle);
  CHECK_FALSE(bench.report().is_healthy);
}

TEST_CASE("what was not healthy before is not waited for when it is gone back to") {
  AgentBench bench;
  bool is_known = true;
  SUBCASE("as the checks said while nothing was done") {
    bench.health(false);
  }
  SUBCASE("as one at the start said, which decides nothing else") {
    bench.machine->see_earlier_health("shop", false);
    CHECK(bench.report().is_healthy);
  }
  SUBCASE("it was healthy, as far as is known: there is time to get healthy again") {
    bench.health(false);
    bench.health(true);
    is_known = false;
  }
  bench.be_told();
  CHECK(bench.done(false) == "activate1");
  bench.done();
  CHECK(bench.report().phase == Phase::checking_return);
  bench.health(false);
  CHECK(bench.report().phase == (is_known ? Phase::idle : Phase::checking_return));
  bench.pass(60s);
  CHECK(bench.report().phase == Phase::idle);
  CHECK(bench.report().active == hash_of(1));
  CHECK_FALSE(bench.report().is_healthy);
  CHECK(bench.report().failed_attempt == 11);
  CHECK(bench.report().text == "it broke; the health check fails for the release before, too");
}

TEST_CASE("the first release has nothing to go back to") {
  AgentBench bench;
  bench.kept = {};
  bench.start();
  bench.be_told();
  CHECK(bench.done(false) == "");
  CHECK(bench.report().text == "it broke; there is no release to go back to");
  CHECK(bench.report().active == hash_of(2));
  CHECK_FALSE(bench.report().is_healthy);
}

TEST_CASE("a fetch that fails, or whose content is wrong, is reported and not tried for ever") {
  AgentBench bench;
  bench.hear();
  CHECK(bench.done(false) == "");
  CHECK(bench.report().failure == Reason::fetch);
  CHECK(bench.hear() == "");
  bench.app().attempt = 11;
  CHECK(bench.hear() == "fetch2");
  CHECK(bench.done() == "verify2");
  CHECK(bench.done(false) == "");
  CHECK(bench.report().failed_attempt == 11);
  CHECK(bench.report().ready == std::vector<InfoHash>{hash_of(1)});
}

TEST_CASE("what is not wanted any more is not fetched any more, and removed") {
  AgentBench bench;
  bench.hear();
  bench.app().release = hash_of(3);
  bench.app().serial = 3;
  CHECK(bench.hear() == "cancel2 fetch3");
  bench.done();
  bench.done();
  bench.app().release.reset();
  CHECK(bench.hear() == "discard3");
  CHECK(bench.report().ready == std::vector<InfoHash>{hash_of(1)});
}

TEST_CASE("told something else while it checks: that is activated at once") {
  AgentBench bench;
  bench.be_told();
  bench.done();
  bench.app().release = hash_of(1);
  bench.app().serial = 1;
  bench.app().attempt = 12;
  bench.app().allow_older = true;
  CHECK(bench.hear() == "activate1");
  bench.done();
  bench.health(true);
  bench.pass(10s);
  CHECK(bench.report().active == hash_of(1));
  CHECK(bench.report().attempt == 12);
}

TEST_CASE("a process that is killed in any phase goes on where it was") {
  AgentBench bench;
  bench.hear();
  bench.start();
  CHECK(bench.hear() == "fetch2");
  bench.done();
  bench.start();  // verifying
  CHECK(bench.hear() == "fetch2");
  bench.done();
  bench.done();
  bench.app().activate = true;
  bench.app().attempt = 11;
  CHECK(bench.hear() == "activate2");
  bench.start();  // activating
  CHECK(bench.report().phase == Phase::activating);
  bench.done();
  bench.start();  // checking
  CHECK(bench.report().phase == Phase::activating);
  bench.done();
  bench.health(false);
  CHECK(bench.pass(60s) == "activate1");
  bench.start();  // returning
  CHECK(bench.report().phase == Phase::returning);
  bench.done();
  bench.health(true);
  CHECK(bench.report().active == hash_of(1));
  CHECK(bench.report().failed_attempt == 11);
  bench.start();
  CHECK(bench.hear() == "");
}

TEST_CASE("an agent of a deploy reports what it has switched from, also when it is started again") {
  AgentBench bench(/*checks_health=*/false);
  bench.is_of_a_deploy = true;
  bench.start();
  bench.be_told();
  CHECK_FALSE(bench.report().switched_from.has_value());
  bench.done();
  CHECK(bench.report().switched_from == hash_of(1));
  bench.start();
  CHECK(bench.report().switched_from == hash_of(1));
  // To what another coordinator tells once more nothing is run, and the way back is still known.
  bench.wanted.origin = 6;
  bench.wanted.revision = 1;
  bench.app().attempt = 1;
  bench.hear();
  CHECK(bench.hear() == "");
  CHECK(bench.report().attempt == 1);
  CHECK(bench.report().switched_from == hash_of(1));
  // One that lives longer than a deploy has other things in mind by "before".
  bench.is_of_a_deploy = false;
  bench.start();
  CHECK_FALSE(bench.report().switched_from.has_value());
}

TEST_CASE("what was saved and does not fit is no reason to abort") {
  AgentBench bench;
  bench.kept.apps[0].active.reset();
  bench.kept.apps[0].phase = Phase::checking;
  bench.kept.apps[0].is_unconfirmed = true;
  bench.kept.apps[0].ready.clear();
  bench.kept.apps[0].failed_attempt = 99;
  bench.kept.apps.push_back({.app = "no longer configured"});
  bench.start();
  CHECK(bench.report().phase == Phase::idle);
  CHECK(bench.machine->kept().apps.size() == 1);
  bench.wanted.apps.push_back({.app = "not configured", .release = hash_of(9)});
  CHECK(bench.hear() == "fetch2");
}

TEST_CASE("an activation that was saved as waiting to be confirmed is begun again") {
  AgentBench bench;
  bench.kept.apps[0].phase = Phase::checking;
  bench.kept.apps[0].is_unconfirmed = true;
  bench.start();
  CHECK(bench.report().phase == Phase::activating);
  CHECK_FALSE(bench.report().is_unconfirmed);
}

TEST_CASE("health that changes while nothing is done is reported") {
  AgentBench bench;
  bench.health(false);
  CHECK(bench.has_reported);
  CHECK_FALSE(bench.report().is_healthy);
  bench.health(false);
  CHECK_FALSE(bench.has_reported);
}

TEST_CASE("why the health check failed is told with the failure") {
  AgentBench bench;
  bench.be_told();
  bench.done();
  bench.machine->see_health("shop", false, bench.now, "connection refused\n");
  bench.pass(60s);
  CHECK(bench.report().text == "the health check did not succeed in time: connection refused\\n");
}

TEST_CASE("a release that somebody removed is fetched again") {
  AgentBench bench;
  bench.be_told();
  bench.machine->see_missing("shop", hash_of(2));
  CHECK(bench.done(false) == "activate1");
  CHECK(bench.report().ready == std::vector<InfoHash>{hash_of(1)});
  bench.done();
  bench.health(true);
  bench.app().attempt = 12;
  CHECK(bench.hear() == "fetch2");
}

TEST_CASE("what is gone is not gone back to") {
  AgentBench bench;
  bench.be_told();
  bench.machine->see_missing("shop", hash_of(1));
  CHECK(bench.done(false) == "");
  CHECK(bench.report().text == "it broke; there is no release to go back to");
}

TEST_CASE("a fetch of what may be older says so") {
  AgentBench bench;
  bench.app().allow_older = true;
  const Report report = bench.machine->make_report(bench.now);
  bench.wanted.greeting = {.session = report.greeting.session, .number = 1};
  bench.machine->hear(bench.wanted, bench.now);
  const AgentWork work = bench.machine->take_work();
  REQUIRE(work.steps.size() == 1);
  CHECK(work.steps[0].allow_older);
}

TEST_CASE("a host that went back by itself runs nothing once more when it is told to go back") {
  AgentBench bench;
  bench.be_told();
  CHECK(bench.done(false) == "activate1");
  bench.app().release = hash_of(1);
  bench.app().serial = 1;
  bench.app().attempt = 12;
  bench.app().allow_older = true;
  SUBCASE("on its way") {
    CHECK(bench.hear() == "");
    bench.done();
    CHECK(bench.health(true) == "discard2");
  }
  SUBCASE("when it is there") {
    bench.done();
    bench.health(true);
    CHECK(bench.hear() == "discard2");
  }
  CHECK(bench.report().attempt == 12);
  CHECK(bench.report().is_healthy);
  CHECK(bench.report().active == hash_of(1));
  bench.health(false);
  bench.app().attempt = 13;  // it does not run well: once more
  CHECK(bench.hear() == "activate1");
}

TEST_CASE("a first activation that switched nothing leaves nothing active") {
  AgentBench bench;
  bench.kept.apps[0] = {.app = "shop"};
  bench.start();
  bench.be_told();
  SUBCASE("the link leads nowhere") {
    bench.machine->see_inactive("shop");
    bench.done(false);
    CHECK_FALSE(bench.report().active.has_value());
  }
  SUBCASE("the hook failed") {
    bench.done(false);
    CHECK(bench.report().active == hash_of(2));
  }
  CHECK(bench.report().failure == Reason::activation);
  bench.start();
  bench.app().attempt = 12;
  CHECK(bench.hear() == "activate2");
}
