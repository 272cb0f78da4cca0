#include "engine/control/agent.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "engine/control/bounds.h"
#include "fleet_bench.h"

using namespace murder;
using namespace murder::control;
using namespace std::chrono_literals;

namespace {

// One agent with one app, and a test that speaks for its coordinator and its process.
struct AgentBench {
  explicit AgentBench(bool checks_health = true) : has_health_check(checks_health) {
    KeptApp app{.app = "shop"};
    app.active = {.info_hash = hash_of(1), .serial = 1};
    app.ready = {*app.active};
    app.is_healthy = true;
    kept.apps = {app};
    start();
    want(2);
  }
  void start() {
    machine.emplace(
        AgentConfig{.host = "w1", .groups = {"web"}, .apps = {{"shop", has_health_check}}}, kept,
        ++session, now);
    take();
  }
  // What the process is to do: "fetch2 activate1", and its disk.
  std::string take() {
    std::string text;
    AgentWork work = machine->take_work();
    if (work.save) {
      kept = machine->kept();
    }
    for (const Step& step : work.steps) {
      static constexpr std::string_view kinds[] = {"fetch", "cancel", "verify", "activate",
                                                   "discard"};
      text += fmt::format("{}{}{}", text.empty() ? "" : " ", kinds[static_cast<int>(step.kind)],
                          step.release.bytes[0]);
      last_step = step.number != 0 ? step.number : last_step;
    }
    has_reported = work.report;
    return text;
  }
  void want(uint8_t release) {
    wanted.origin = 5;
    wanted.revision = 100;
    wanted.apps = {{.app = "shop",
                    .release = hash_of(release),
                    .serial = release,
                    .attempt = 10,
                    .min_healthy = 10s,
                    .healthy_deadline = 60s}};
  }
  WantedApp& app() { return wanted.apps.front(); }
  // The coordinator answers the agent's report.
  std::string hear() {
    const Report report = machine->make_report(now);
    wanted.greeting = {.session = report.greeting.session, .number = 1};
    wanted.heard_number = report.number;
    ++wanted.revision;
    machine->hear(wanted, now);
    return take();
  }
  std::string done(bool is_good = true) {
    machine->end_step("shop", last_step, is_good, "it broke", now);
    return take();
  }
  std::string health(bool is_good) {
    machine->see_health("shop", is_good, now);
    return take();
  }
  std::string pass(Duration duration) {
    now += duration;
    machine->tick(now);
    return take();
  }
  AppReport report() { return machine->make_report(now).apps.front(); }
  // Until release 2 is there and activation is told.
  void be_told(uint8_t release = 2) {
    hear();
    done();
    done();
    app().activate = true;
    app().attempt = 11;
    CHECK(hear() == fmt::format("activate{}", release));
  }

  bool has_health_check;
  KeptAgent kept;
  uint64_t session = 7;
  Instant now{1000s};
  std::optional<AgentMachine> machine;
  Wanted wanted;
  uint64_t last_step = 0;
  bool has_reported = false;
};

}  // namespace

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

TEST_CASE("messages that come twice, late or out of order change nothing") {
  AgentBench bench;
  bench.hear();
  bench.done();
  bench.done();
  const Wanted before = bench.wanted;
  bench.app().activate = true;
  bench.app().attempt = 11;
  const Wanted told = bench.wanted;
  CHECK(bench.hear() == "activate2");
  bench.machine->hear(bench.wanted, bench.now);  // twice
  CHECK(bench.take() == "");
  bench.machine->hear(before, bench.now);  // late
  CHECK(bench.take() == "");
  bench.done();
  bench.health(true);
  bench.pass(10s);
  Wanted older = told;
  older.apps[0].release = hash_of(3);
  older.apps[0].serial = 3;
  older.apps[0].attempt = 12;
  bench.machine->hear(older, bench.now);
  bench.machine->hear(bench.wanted, bench.now);
  CHECK(bench.take() == "");
  CHECK(bench.report().phase == Phase::idle);
}

TEST_CASE("what another process was told does not start an activation") {
  AgentBench bench;
  bench.hear();
  bench.done();
  bench.done();
  bench.app().activate = true;
  bench.app().attempt = 11;
  bench.start();
  Wanted late = bench.wanted;
  late.revision += 5;
  late.greeting.session = 8;  // the process before
  bench.machine->hear(late, bench.now);
  CHECK(bench.take() == "");
  bench.wanted.revision = late.revision;
  CHECK(bench.hear() == "activate2");
}

TEST_CASE("nothing is activated on a message that is older than a lease") {
  AgentBench bench;
  bench.hear();
  const Report report = bench.machine->make_report(bench.now);
  bench.done();
  bench.done();
  bench.now += limits::control_lease;
  bench.app().activate = true;
  bench.app().attempt = 11;
  bench.wanted.revision += 1;
  bench.wanted.heard_number = report.number;  // sent a lease ago
  bench.machine->hear(bench.wanted, bench.now);
  CHECK(bench.take() == "");
  CHECK(bench.hear() == "activate2");
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

TEST_CASE("what is not confirmed in time is gone back from, whoever is there") {
  AgentBench bench;
  bench.app().confirm_within = 100s;
  bench.be_told();
  bench.done();
  bench.health(true);
  bench.pass(10s);
  CHECK(bench.report().is_unconfirmed);
  CHECK(bench.machine->next_at() == bench.now + 100s);
  SUBCASE("nobody confirms") {
    CHECK(bench.pass(99s) == "");
    CHECK(bench.pass(1s) == "activate1");
    CHECK(bench.report().failure == Reason::unconfirmed);
  }
  SUBCASE("nobody confirms, and it starts again meanwhile") {
    bench.start();
    CHECK(bench.pass(99s) == "");
    CHECK(bench.pass(1s) == "activate1");
  }
  SUBCASE("the coordinator confirms") {
    bench.app().activate = false;
    bench.app().confirmed = true;
    bench.hear();
    CHECK(bench.has_reported);
    CHECK_FALSE(bench.report().is_unconfirmed);
    CHECK(bench.pass(1000s) == "");
  }
  SUBCASE("another release is confirmed") {
    bench.app().activate = false;
    bench.app().confirmed = true;
    bench.app().release = hash_of(1);
    bench.hear();
    CHECK(bench.report().is_unconfirmed);
  }
}

TEST_CASE("a revoked release is neither fetched, activated nor gone back to") {
  AgentBench bench;
  SUBCASE("while it is fetched") {
    bench.hear();
    bench.app().revoked = {hash_of(2)};
    CHECK(bench.hear() == "cancel2");
    CHECK(bench.report().failure == Reason::revoked);
    CHECK(bench.report().failed_attempt == 10);
  }
  SUBCASE("when it is there: it is removed") {
    bench.hear();
    bench.done();
    bench.done();
    bench.app().revoked = {hash_of(2)};
    CHECK(bench.hear() == "discard2");
    bench.app().activate = true;
    bench.app().attempt = 11;
    CHECK(bench.hear() == "");
  }
  SUBCASE("while it is activated") {
    bench.be_told();
    bench.app().revoked = {hash_of(2)};
    CHECK(bench.hear() == "cancel2 activate1");
    CHECK(bench.report().failure == Reason::revoked);
  }
  SUBCASE("while it waits to be confirmed") {
    bench.app().confirm_within = 100s;
    bench.be_told();
    bench.done();
    bench.health(true);
    bench.pass(10s);
    bench.app().revoked = {hash_of(2)};
    CHECK(bench.hear() == "activate1");
    bench.done();
    CHECK(bench.health(true) == "discard2");
  }
  SUBCASE("when it is what it would go back to") {
    bench.be_told();
    bench.app().revoked = {hash_of(1)};
    bench.hear();
    CHECK(bench.done(false) == "discard1");
    CHECK(bench.report().active == hash_of(2));
    CHECK(bench.report().failure == Reason::activation);
  }
  SUBCASE("when it runs and was confirmed: that is for operators to end") {
    bench.app().revoked = {hash_of(1)};
    CHECK(bench.hear() == "fetch2");
    CHECK(bench.report().active == hash_of(1));
  }
  SUBCASE("after a restart, before the coordinator is heard") {
    bench.app().revoked = {hash_of(2)};
    bench.hear();
    bench.start();
    CHECK(bench.kept.apps[0].revoked == std::vector<InfoHash>{hash_of(2)});
    bench.app().revoked.clear();
    CHECK(bench.hear() == "");
  }
}

TEST_CASE("a lower serial than what runs is refused unless it is meant") {
  AgentBench bench;
  bench.be_told();
  bench.done();
  bench.health(true);
  bench.pass(10s);
  bench.app().release = hash_of(1);
  bench.app().serial = 1;
  bench.app().attempt = 20;
  CHECK(bench.hear() == "");
  CHECK(bench.report().failure == Reason::older);
  bench.app().allow_older = true;
  bench.app().attempt = 21;
  CHECK(bench.hear() == "activate1");
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

TEST_CASE("another coordinator's state counts anew") {
  AgentBench bench;
  bench.be_told();
  bench.done();
  bench.health(true);
  bench.pass(10s);
  bench.wanted.origin = 6;
  bench.wanted.revision = 3;
  bench.app().release = hash_of(3);
  bench.app().serial = 3;
  bench.app().attempt = 2;
  CHECK(bench.hear() == "fetch3");
}

TEST_CASE("health that changes while nothing is done is reported") {
  AgentBench bench;
  bench.health(false);
  CHECK(bench.has_reported);
  CHECK_FALSE(bench.report().is_healthy);
  bench.health(false);
  CHECK_FALSE(bench.has_reported);
}
