#include "engine/control/snapshot.h"

#include <doctest/doctest.h>

#include "engine/control/wanted.h"
#include "fleet_bench.h"

using namespace murder;
using namespace murder::control;

namespace {

// The snapshot of this moment, read again, is this moment's state.
void check_snapshot(const FleetBench& bench) {
  const State& state = bench.coordinator->state();
  std::vector<Record> records;
  for (const Record& record : snapshot_of(state)) {
    const Result<Record> again = parse_record(text_of(record));
    REQUIRE(again.has_value());
    records.push_back(*again);
  }
  const Result<State> again = replay(records, bench.moment.now);
  REQUIRE(again.has_value());
  ensure_consistent(*again);
  CHECK(text_of(*again) == text_of(state));
  CHECK(again->sequence == state.sequence);
  // Not by the snapshot's own words: what it leaves out it leaves out twice.
  if (const std::optional<Rollout>& rollout = state.find_app("shop")->rollout) {
    CHECK(again->find_app("shop")->rollout->wave == rollout->wave);
    CHECK(again->find_app("shop")->rollout->state == rollout->state);
    CHECK(again->find_app("shop")->rollout->targets.size() == rollout->targets.size());
    CHECK(again->find_app("shop")->rollout->forgotten.size() == rollout->forgotten.size());
    CHECK(again->find_app("shop")->rollout->earlier == rollout->earlier);
  }
  const Result<State> all = replay(bench.log, bench.moment.now);
  REQUIRE(all.has_value());
  CHECK(text_of(*all) == text_of(state));
  for (uint32_t index = 0; index < state.agents.size(); ++index) {
    CHECK(wanted_apps(*again, AgentIndex{index}) == wanted_apps(state, AgentIndex{index}));
  }
}

}  // namespace

TEST_CASE("a snapshot is the state, at every point of a rollout") {
  FleetBench bench(8, {"r1", "r2"});
  check_snapshot(bench);
  bench.all_run(1);
  CHECK(bench.start_rollout(2, {.waves = parse_waves("2,50%").value()}));
  check_snapshot(bench);
  bench.all_have(2);
  check_snapshot(bench);
  bench.activate_all(2);
  check_snapshot(bench);
  bench.app("w003").active = hash_of(1);
  bench.hear("w003");
  check_snapshot(bench);
  CHECK(bench.coordinator->forget("w001", "olga", bench.moment));
  CHECK(bench.coordinator->revoke("shop", "v2", "olga", bench.moment));
  bench.settle();
  check_snapshot(bench);
  CHECK(bench.coordinator->undo("shop", "olga", bench.moment));
  bench.settle();
  check_snapshot(bench);
  bench.reports.erase("w001");
  bench.activate_all(1);
  CHECK(bench.rollout().state == RolloutState::undone);
  check_snapshot(bench);
}

TEST_CASE("what follows a snapshot continues its numbers") {
  FleetBench bench(3);
  CHECK(bench.start_rollout(1, {}));
  std::vector<Record> log = snapshot_of(bench.coordinator->state());
  const size_t before = bench.log.size();
  bench.all_have(1);
  bench.activate_all(1);
  log.insert(log.end(), bench.log.begin() + static_cast<std::ptrdiff_t>(before), bench.log.end());
  const Result<State> state = replay(log, bench.moment.now);
  REQUIRE(state.has_value());
  CHECK(text_of(*state) == text_of(bench.coordinator->state()));
}

TEST_CASE("a snapshot that is cut off, or not at the start, is refused") {
  FleetBench bench(3);
  std::vector<Record> records = snapshot_of(bench.coordinator->state());
  for (size_t count = 1; count < records.size(); ++count) {
    const Result<State> state = replay(std::span(records).first(count), {});
    REQUIRE_FALSE(state.has_value());
    CHECK(state.error().text.find("lacks its last") != std::string::npos);
  }
  std::vector<Record> log = bench.log;
  log.push_back(records.front());
  CHECK_FALSE(replay(log, {}).has_value());
}
