// What an agent believes, and what it refuses.
#include <doctest/doctest.h>

#include "agent_bench.h"
#include "engine/control/bounds.h"

using namespace murder;
using namespace murder::control;
using namespace std::chrono_literals;

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

TEST_CASE("no coordinator counts further than its records and starts go") {
  AgentBench bench;
  bench.hear();
  const uint64_t revision = bench.machine->kept().revision;
  Wanted lie = bench.wanted;
  SUBCASE("revision") {
    lie.revision = UINT64_MAX;
  }
  SUBCASE("attempt") {
    ++lie.revision;
    lie.apps[0].attempt = UINT64_MAX;
  }
  SUBCASE("greeting") {
    ++lie.revision;
    lie.greeting.number = UINT64_MAX;
  }
  bench.machine->hear(lie, bench.now);
  CHECK(bench.machine->kept().revision == revision);
  CHECK(bench.hear() == "");
  CHECK(bench.machine->kept().revision == revision + 1);
}

TEST_CASE("a revision that no coordinator said makes nobody deaf") {
  AgentBench bench;
  bench.be_told();
  bench.done();
  bench.health(true);
  bench.pass(10s);
  Wanted lie = bench.wanted;
  lie.revision = limits::control_records_max;
  lie.apps[0].attempt = lie.revision;
  SUBCASE("alone") {}
  SUBCASE("with a greeting") {
    lie.greeting.number = limits::control_starts_max << 32U;
  }
  SUBCASE("before a restart") {
    bench.machine->hear(lie, bench.now);
    bench.kept = bench.machine->kept();
    bench.start();
  }
  bench.machine->hear(lie, bench.now);
  bench.take();
  bench.want(3);
  bench.wanted.revision = 200;
  bench.app().attempt = 150;
  CHECK(bench.hear() == "");  // it may be late
  const Instant begin = bench.now;
  std::string done;
  while (done.empty() && bench.now - begin < 4 * limits::control_lease) {
    bench.pass(limits::control_heartbeat);
    // As a coordinator does, it hears reports with its own greeting only.
    const Report report = bench.machine->make_report(bench.now);
    bench.wanted.greeting = {.session = report.greeting.session, .number = 1};
    bench.wanted.heard_number =
        report.greeting.number == 1 ? report.number : bench.wanted.heard_number;
    ++bench.wanted.revision;
    bench.machine->hear(bench.wanted, bench.now);
    done = bench.take();
  }
  CHECK(done == "fetch3");
  CHECK(bench.machine->kept().revision == bench.wanted.revision);
  bench.done();
  bench.done();
  bench.app().activate = true;
  CHECK(bench.hear() == "activate3");
}

TEST_CASE("what came late for a short time is no other state") {
  AgentBench bench;
  bench.hear();
  bench.wanted.revision += 50;
  bench.hear();
  Wanted late = bench.wanted;
  late.revision -= 20;
  late.apps[0].release = hash_of(3);
  for (int times = 0; times < 5; ++times) {
    bench.pass(limits::control_heartbeat);
    late.heard_number = bench.machine->make_report(bench.now).number;
    bench.machine->hear(late, bench.now);
    CHECK(bench.take() == "");
    bench.hear();  // what is the latest comes between
  }
}
