#include "coordinator/audit_reader.h"

#include <doctest/doctest.h>

#include "engine/base/json.h"
#include "engine/control/record.h"

using namespace murder;
using namespace murder::coordinator;
using namespace murder::control;

namespace {

void add(RolloutHistory& history, decltype(Record::what) what, int64_t wall_s = 5) {
  history.add(text_of(Record{.wall_s = wall_s, .by = "mike", .what = std::move(what)}));
}

Json rollouts_of(const RolloutHistory& history) {
  const Result<Json> json = parse_json(history.json());
  REQUIRE(json);
  return (*json)["rollouts"];
}

}  // namespace

TEST_CASE("a history has the latest rollouts of its app, as they ended") {
  RolloutHistory history("shop", 2);
  add(history, ReleasePublished{.app = "shop", .tag = "v1", .number = ReleaseNumber{1}});
  for (const uint64_t number : {10, 20, 30}) {
    add(history,
        RolloutStarted{.app = "shop", .release = ReleaseNumber{1}, .number = number, .plan = {}},
        static_cast<int64_t>(number));
    add(history, RolloutStarted{.app = "other", .release = ReleaseNumber{1}, .number = 99});
    add(history, Told{.app = "shop", .host = "w1"});
    add(history, WaveBegun{.app = "shop", .wave = 1}, 61);
    add(history, WaveBegun{.app = "other", .wave = 1}, 62);
    add(history, Outcome{.app = "shop", .host = "w1", .stage = Stage::healthy});
    add(history, Outcome{.app = "shop", .host = "w2", .stage = Stage::failed});
    add(history, Outcome{.app = "shopping", .host = "w2", .stage = Stage::failed});
    add(history, StateChanged{.app = "shop", .state = RolloutState::held, .why = "why"}, 77);
  }
  history.add("no record of shop");
  const Json rollouts = rollouts_of(history);
  REQUIRE(rollouts.size() == 2);
  const Json& last = rollouts.items()[1];
  CHECK(last["number"].count() == 30);
  CHECK(last["tag"].text() == "v1");
  CHECK(last["state"].text() == "held");
  CHECK(last["why"].text() == "why");
  CHECK(last["by"].text() == "mike");
  CHECK(last["started_s"].count() == 30);
  CHECK(last["changed_s"].count() == 77);
  CHECK(last["told"].count() == 1);
  CHECK(last["healthy"].count() == 1);
  CHECK(last["failed"].count() == 1);
  REQUIRE(last["waves_began_s"].size() == 2);
  CHECK(last["waves_began_s"].items()[0].count() == 30);
  CHECK(last["waves_began_s"].items()[1].count() == 61);
}

TEST_CASE("what came before a history's first rollout belongs to none") {
  RolloutHistory history("shop", 5);
  add(history, StateChanged{.app = "shop", .state = RolloutState::done});
  add(history, Told{.app = "shop", .host = "w1"});
  CHECK(rollouts_of(history).size() == 0);
}
