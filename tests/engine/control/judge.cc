#include "engine/control/judge.h"

#include <doctest/doctest.h>

#include "fleet_bench.h"

using namespace murder;
using namespace murder::control;
using namespace std::chrono_literals;

namespace {

// One host of a rollout from release 1 to release 2, as a test sets it.
struct Case {
  Case() {
    app.name = "shop";
    app.releases = {{.number = ReleaseNumber{1}, .tag = "v1", .info_hash = hash_of(1)},
                    {.number = ReleaseNumber{2}, .tag = "v2", .info_hash = hash_of(2)}};
    app.rollout.emplace();
    app.rollout->release = ReleaseNumber{2};
    target.attempt = 10;
    report.app = "shop";
    report.active = hash_of(1);
    report.is_healthy = true;
    report.ready = {hash_of(1), hash_of(2)};
  }
  View view() {
    return {.app = app,
            .target = target,
            .release = app.releases[1],
            .before = find_release(app, target.before),
            .is_present = is_present,
            .report = is_present && is_known ? &report : nullptr};
  }
  std::string verdict() {
    const std::optional<Verdict> verdict = judge(view(), now);
    return !verdict ? "stays"
                    : std::string(name_of(verdict->stage)) +
                          (verdict->reason == Reason::none
                               ? ""
                               : " " + std::string(name_of(verdict->reason)));
  }
  void at(Stage stage, Reason reason = Reason::none) {
    target.stage = stage;
    target.reason = reason;
    if (stage != Stage::waiting) {
      target.touched = true;
      target.before = ReleaseNumber{1};
      target.tells = 1;
    }
  }
  void runs(uint8_t release, bool is_healthy = true) {
    report.active = hash_of(release);
    report.is_healthy = is_healthy;
    report.attempt = target.attempt;
  }

  App app;
  Target target;
  AppReport report;
  bool is_present = true;
  bool is_known = true;
  Instant now{100s};
};

}  // namespace

TEST_CASE("a host that waits") {
  Case host;
  CHECK(host.verdict() == "stays");
  CHECK(may_be_told(host.view()));
  CHECK_FALSE(counts_as_down(host.view()));

  SUBCASE("runs it already") {
    host.runs(2);
    CHECK(host.verdict() == "healthy");
  }
  SUBCASE("runs it already, but not well: it is told") {
    host.runs(2, false);
    CHECK(host.verdict() == "stays");
    CHECK(may_be_told(host.view()));
  }
  SUBCASE("does not have it") {
    host.report.ready = {hash_of(1)};
    CHECK_FALSE(may_be_told(host.view()));
    host.now = Instant(10min);
    CHECK(host.verdict() == "failed late");
  }
  SUBCASE("does something else") {
    host.report.phase = Phase::returning;
    CHECK_FALSE(may_be_told(host.view()));
    CHECK(counts_as_down(host.view()));
  }
  SUBCASE("could not fetch it") {
    host.report.failure = Reason::fetch;
    host.report.failed_attempt = 10;
    CHECK(host.verdict() == "failed fetch");
    host.report.failed_attempt = 9;
    CHECK(host.verdict() == "stays");
  }
  SUBCASE("is not known yet") {
    host.is_known = false;
    CHECK(host.verdict() == "stays");
    CHECK_FALSE(may_be_told(host.view()));
    CHECK_FALSE(counts_as_down(host.view()));
  }
  SUBCASE("for a release that is revoked") {
    host.app.releases[1].revoked = true;
    host.runs(2);
    CHECK(host.verdict() == "stays");
    CHECK_FALSE(may_be_told(host.view()));
  }
  SUBCASE("in a rollout that is aborted") {
    host.app.rollout->state = RolloutState::aborted;
    host.runs(2);
    CHECK(host.verdict() == "stays");
  }
}

TEST_CASE("a host that was told") {
  Case host;
  host.at(Stage::told);
  CHECK(host.verdict() == "stays");
  CHECK(counts_as_down(host.view()));
  const Duration settle = settle_within(host.app.rollout->plan);

  SUBCASE("runs it and is healthy") {
    host.runs(2);
    CHECK(host.verdict() == "healthy");
    host.report.attempt = 9;
    CHECK(host.verdict() == "stays");
  }
  SUBCASE("is not healthy yet") {
    host.runs(2, false);
    CHECK(host.verdict() == "stays");
  }
  SUBCASE("is at it") {
    host.runs(2);
    host.report.phase = Phase::checking;
    CHECK(host.verdict() == "stays");
  }
  SUBCASE("failed") {
    host.report.failure = Reason::activation;
    host.report.failed_attempt = 10;
    CHECK(host.verdict() == "failed activation");
  }
  SUBCASE("was well and went back, since nobody confirmed it: that is no failure of the release") {
    host.report.failure = Reason::unconfirmed;
    host.report.failed_attempt = 10;
    CHECK(host.verdict() == "waiting");
    host.target.tells = 5;
    CHECK(host.verdict() == "failed unconfirmed");
  }
  SUBCASE("reports no outcome") {
    host.now = Instant(settle);
    CHECK(host.verdict() == "failed silent");
    host.is_present = false;
    CHECK(host.verdict() == "failed lost");
    CHECK(counts_as_down(host.view()));
    host.now -= 1ns;
    CHECK(host.verdict() == "stays");
  }
}

TEST_CASE("a host that is healthy") {
  Case host;
  host.at(Stage::healthy);
  host.runs(2);
  CHECK(host.verdict() == "stays");
  CHECK_FALSE(counts_as_down(host.view()));

  SUBCASE("and loses it") {
    host.runs(2, false);
    CHECK(host.verdict() == "failed health");
    CHECK(counts_as_down(host.view()));
    host.app.rollout->state = RolloutState::done;
    CHECK(host.verdict() == "stays");
  }
  SUBCASE("and drifts") {
    host.runs(1);
    CHECK(host.verdict() == "waiting");
    host.target.tells = 5;
    CHECK(host.verdict() == "failed drifted");
    host.app.rollout->state = RolloutState::aborted;
    CHECK(host.verdict() == "stays");
  }
  SUBCASE("and does not know that it may stay") {
    host.report.is_unconfirmed = true;
    CHECK(counts_as_down(host.view()));
  }
  SUBCASE("and was not heard since the coordinator started") {
    host.is_known = false;
    CHECK(counts_as_down(host.view()));
    host.is_present = false;
    CHECK_FALSE(counts_as_down(host.view()));
  }
}

TEST_CASE("a host that failed") {
  Case host;
  for (const Reason reason : {Reason::lost, Reason::silent, Reason::late, Reason::health}) {
    host.at(Stage::failed, reason);
    host.runs(2);
    CHECK(host.verdict() == (reason == Reason::health ? "stays" : "healthy"));
    host.runs(1);
    CHECK(host.verdict() ==
          (reason == Reason::lost || reason == Reason::late ? "waiting" : "stays"));
    host.target.tells = 5;
    CHECK(host.verdict() == "stays");
  }
  host.at(Stage::failed, Reason::lost);
  host.app.rollout->state = RolloutState::held;
  CHECK(host.verdict() == "stays");
}

TEST_CASE("a host in a rollout that is undone") {
  Case host;
  host.app.rollout->state = RolloutState::undoing;
  host.runs(2);

  SUBCASE("was never told") {
    CHECK(host.verdict() == "stays");
    CHECK_FALSE(may_be_told(host.view()));
  }
  SUBCASE("is told to return when it has what it ran before") {
    host.at(Stage::healthy);
    CHECK(host.verdict() == "stays");
    CHECK(may_be_told(host.view()));
    host.report.ready = {hash_of(2)};
    CHECK_FALSE(may_be_told(host.view()));
    host.now = Instant(10min);
    CHECK(host.verdict() == "back-failed late");
  }
  SUBCASE("failed and runs it still: it is told to return") {
    host.at(Stage::failed, Reason::health);
    host.runs(2, false);
    CHECK(host.verdict() == "stays");
    CHECK(may_be_told(host.view()));
  }
  SUBCASE("went back by itself") {
    host.at(Stage::failed, Reason::health);
    host.runs(1);
    CHECK(host.verdict() == "back-done");
  }
  SUBCASE("is on its way back by itself: it is not told, and not waited for without end") {
    host.at(Stage::failed, Reason::health);
    host.runs(1, false);
    host.report.phase = Phase::checking_return;
    CHECK(host.verdict() == "stays");
    CHECK_FALSE(may_be_told(host.view()));
    host.now = Instant(settle_within(host.app.rollout->plan));
    CHECK(host.verdict() == "back-failed silent");
  }
  SUBCASE("went back by itself, and is not healthy there either") {
    host.at(Stage::failed, Reason::health);
    host.runs(1, false);
    host.report.failure = Reason::health;
    host.report.failed_attempt = 3;
    CHECK(host.verdict() == "back-failed health");
    host.at(Stage::back_failed, Reason::health);
    CHECK(host.verdict() == "stays");
    host.runs(1);
    CHECK(host.verdict() == "back-done");
  }
  SUBCASE("was told to activate and is told to return, whatever it reports") {
    host.at(Stage::told);
    host.runs(1);
    CHECK(host.verdict() == "stays");
    CHECK(may_be_told(host.view()));
  }
  SUBCASE("has nothing to return to, or what is revoked") {
    host.at(Stage::healthy);
    host.target.before = no_release;
    CHECK(host.verdict() == "back-failed nothing-before");
    host.target.before = ReleaseNumber{1};
    host.app.releases[0].revoked = true;
    CHECK(host.verdict() == "back-failed revoked");
    CHECK_FALSE(may_be_told(host.view()));
  }
}

TEST_CASE("a host that was told to return") {
  Case host;
  host.app.rollout->state = RolloutState::undoing;
  host.runs(2);

  SUBCASE("does so, or does not") {
    host.at(Stage::back_told);
    CHECK(host.verdict() == "stays");
    CHECK_FALSE(may_be_told(host.view()));
    host.runs(1);
    CHECK(host.verdict() == "back-done");
    host.report.attempt = 9;
    host.now = Instant(settle_within(host.app.rollout->plan));
    CHECK(host.verdict() == "back-failed silent");
    host.report.failure = Reason::health;
    host.report.failed_attempt = 10;
    CHECK(host.verdict() == "back-failed health");
  }
  SUBCASE("has returned and drifts: it is told again, not for ever") {
    host.at(Stage::back_done);
    CHECK(host.verdict() == "stays");
    CHECK(may_be_told(host.view()));
    host.target.tells = 5;
    CHECK(host.verdict() == "back-failed drifted");
  }
  SUBCASE("was given up and is there again") {
    host.at(Stage::back_failed, Reason::lost);
    CHECK(may_be_told(host.view()));
    host.runs(1);
    CHECK(host.verdict() == "back-done");
  }
}
