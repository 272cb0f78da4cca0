#include "coordinator/views.h"

#include <doctest/doctest.h>

#include "engine/base/json.h"
#include "engine/control/bounds.h"

using namespace murder;
using namespace murder::coordinator;
using namespace murder::control;

namespace {

InfoHash hash_of(uint8_t number) {
  InfoHash hash;
  hash.bytes[0] = number;
  return hash;
}

struct NoCopies final : CopySource {
  CopyState copy_of(const InfoHash&) const override {
    return {.phase = CopyPhase::fetching, .copy_bytes = 5, .total_bytes = 10};
  }
};

struct FewFacts final : FactsSource {
  const Facts* facts_of(AgentIndex agent) const override {
    return agent.raw == 0 ? &facts : nullptr;
  }
  Facts facts{.version = "1.2", .free_bytes = 77};
};

// Three hosts that take shop; the first two have v2, the first runs v1.
class Fleet {
 public:
  Fleet() {
    for (uint8_t number = 1; number <= 2; ++number) {
      CHECK(machine.publish("shop", "v" + std::to_string(number), hash_of(number), number, "olga",
                            moment));
    }
    for (const char* host : {"w1", "w2", "w3"}) {
      hear(host, {});
    }
    settle();
  }
  void hear(const std::string& host, AppReport app) {
    app.app = "shop";
    Report report{.host = host,
                  .rack = "r1",
                  .groups = {host == "w3" ? "eu" : "web"},
                  .apps = {app},
                  .greeting = {.session = 9},
                  .number = 1};
    if (const auto agent = machine.state().find_agent(host)) {
      const Greeting greeting = machine.wanted_for(*agent).greeting;
      report.greeting = greeting.number == 0 ? report.greeting : greeting;
    }
    report.number = ++report_count;
    CHECK(machine.hear(report, "key of " + host, moment));
  }
  void settle() { static_cast<void>(machine.decide(moment)); }

  Moment moment{.now = Instant(std::chrono::hours(1)), .wall_s = 1'000};
  Coordinator machine{State{}, 7, moment};
  NoCopies copies;
  FewFacts facts;
  uint64_t report_count = 0;
};

Json parsed(const std::string& text) {
  const Result<Json> json = parse_json(text);
  REQUIRE(json);
  return *json;
}

}  // namespace

TEST_CASE("releases: who has them and who runs them") {
  Fleet fleet;
  fleet.hear("w1", {.active = hash_of(1), .ready = {hash_of(1), hash_of(2)}});
  fleet.hear("w2", {.ready = {hash_of(2)}});
  fleet.settle();
  const Json releases = parsed(show_releases(fleet.machine, fleet.copies, ""))["releases"];
  REQUIRE(releases.size() == 2);
  const Json& second = releases.items()[1];
  CHECK(second["tag"].text() == "v2");
  CHECK(second["by"].text() == "olga");
  CHECK(second["at_s"].count() == 1000);
  CHECK(second["hosts_ready"].count() == 2);
  CHECK(second["hosts_active"].count() == 0);
  CHECK(releases.items()[0]["hosts_active"].count() == 1);
  CHECK(second["copy"].text() == "fetching");
  CHECK(second["total_bytes"].count() == 10);
  CHECK(parsed(show_releases(fleet.machine, fleet.copies, "other"))["releases"].size() == 0);
}

TEST_CASE("a rollout: each target is counted once, and who is not there yet is named") {
  Fleet fleet;
  fleet.hear("w1", {.active = hash_of(1), .is_healthy = true, .ready = {hash_of(1), hash_of(2)}});
  fleet.hear("w2", {.phase = Phase::fetching});
  fleet.settle();
  Plan plan;
  plan.quorum = {.number = 100, .is_percent = true};
  CHECK(fleet.machine.start("shop", "v2", plan, "olga", fleet.moment));
  fleet.settle();
  Json rollouts = parsed(show_rollouts(fleet.machine, "shop", fleet.moment.now))["rollouts"];
  REQUIRE(rollouts.size() == 1);
  const Json& counts = rollouts.items()[0]["counts"];
  CHECK(counts["ready"].count() == 1);
  CHECK(counts["fetching"].count() == 1);
  CHECK(counts["waiting"].count() == 1);
  CHECK(counts["away"].count() == 0);
  CHECK(rollouts.items()[0]["wave"].count() == 1);
  CHECK(rollouts.items()[0]["waves"].count() == 1);
  CHECK(rollouts.items()[0]["targets"].count() == 3);
  CHECK(rollouts.items()[0]["unsettled_count"].count() == 3);
  CHECK(rollouts.items()[0]["plan"]["quorum"].text() == "100%");
  CHECK(rollouts.items()[0]["unsettled"].items()[0]["host"].text() == "w1");
  const AgentIndex last = *fleet.machine.state().find_agent("w3");
  fleet.hear("w3", {.failed_attempt = fleet.machine.wanted_for(last).apps[0].attempt,
                    .failure = Reason::fetch,
                    .text = "no room"});
  fleet.settle();
  rollouts = parsed(show_rollouts(fleet.machine, "shop", fleet.moment.now))["rollouts"];
  REQUIRE(rollouts.items()[0]["counts"]["failed"].count() == 1);
  CHECK(rollouts.items()[0]["unsettled"].items()[0]["host"].text() == "w3");
  fleet.moment.now += 2 * limits::control_lease;
  fleet.hear("w3", {});
  rollouts = parsed(show_rollouts(fleet.machine, "", fleet.moment.now))["rollouts"];
  CHECK(rollouts.items()[0]["counts"]["away"].count() == 2);
}

TEST_CASE("agents: those that are asked for") {
  Fleet fleet;
  fleet.hear("w1", {.active = hash_of(1), .ready = {hash_of(1), hash_of(2)}});
  fleet.settle();
  const auto hosts = [&](const AgentsWanted& wanted) {
    std::string names;
    const Json shown = parsed(show_agents(fleet.machine, fleet.facts, wanted, fleet.moment.now));
    CHECK(shown["count"].count() == shown["agents"].size());
    for (const Json& agent : shown["agents"]) {
      names += agent["host"].text() + " ";
    }
    return names;
  };
  CHECK(hosts({}) == "w1 w2 w3 ");
  CHECK(hosts({.group = "eu"}) == "w3 ");
  CHECK(hosts({.app = "other"}).empty());
  CHECK(hosts({.not_at = "v1"}) == "w2 w3 ");
  CHECK(hosts({.app = "shop", .not_at = "v2"}) == "w1 w2 w3 ");
  const Json agents =
      parsed(show_agents(fleet.machine, fleet.facts, {}, fleet.moment.now))["agents"];
  const Json& first = agents.items()[0];
  CHECK(first["identity"].text() == "key of w1");
  CHECK(first["present"] == Json(true));
  CHECK(first["free_bytes"].count() == 77);
  CHECK(first["apps"].items()[0]["active_tag"].text() == "v1");
  CHECK(first["apps"].items()[0]["ready_tags"].size() == 2);
  CHECK(first["heard_s_ago"].number() == 0);
  const Json& second = agents.items()[1];
  CHECK(second["present"] == Json(false));  // its first report was one before the greeting
  CHECK(second["heard_s_ago"].is_null());
}

TEST_CASE("a release that is revoked says by whom, when and why") {
  Fleet fleet;
  CHECK_FALSE(
      parsed(show_releases(fleet.machine, fleet.copies, ""))["releases"].items()[0].contains(
          "revoked_why"));
  CHECK(fleet.machine.revoke("shop", "v2", "olga", fleet.moment, "loses orders"));
  fleet.settle();
  const Json releases = parsed(show_releases(fleet.machine, fleet.copies, ""))["releases"];
  CHECK(releases.items()[1]["revoked_by"].text() == "olga");
  CHECK(releases.items()[1]["revoked_at_s"].count() == 1000);
  CHECK(releases.items()[1]["revoked_why"].text() == "loses orders");
}

TEST_CASE("a rollout that waits says for what, and for how long still") {
  Fleet fleet;
  Plan plan;
  plan.begin_wall_s = fleet.moment.wall_s + 90;
  CHECK(fleet.machine.start("shop", "v2", plan, "olga", fleet.moment));
  fleet.settle();
  const auto shown = [&] {
    return parsed(show_rollouts(fleet.machine, "shop", fleet.moment.now,
                                fleet.moment.wall_s))["rollouts"]
        .items()[0];
  };
  CHECK(shown()["waits_for"].text() == "begin_time");
  CHECK(shown()["waits_s"].number() == 90);
  fleet.moment.wall_s += 90;
  CHECK(shown()["waits_for"].text().empty());
}
