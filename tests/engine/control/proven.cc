// Outcomes that agents signed, in the coordinator's log.
#include <doctest/doctest.h>

#include "fleet_bench.h"

using namespace murder;
using namespace murder::control;

namespace {

std::vector<Record> prove(FleetBench& bench, const std::string& host, uint64_t attempt,
                          OutcomeKind kind) {
  bench.coordinator->prove(*bench.coordinator->state().find_agent(host), "shop", attempt, kind,
                           "murder-outcome 1\n", bench.moment);
  return bench.settle();
}

}  // namespace

TEST_CASE("a signed outcome is kept once, of what the host was asked last") {
  FleetBench bench(1);
  bench.all_run(1);
  bench.all_have(2);
  CHECK(prove(bench, "w000", 5, OutcomeKind::healthy).empty());  // there is no rollout
  REQUIRE(bench.start_rollout(2, {}));
  const uint64_t attempt = bench.wanted("w000").attempt;
  CHECK(prove(bench, "w000", attempt - 1, OutcomeKind::healthy).empty());
  const std::vector<Record> records = prove(bench, "w000", attempt, OutcomeKind::healthy);
  REQUIRE(records.size() == 1);
  CHECK(std::get<OutcomeProven>(records[0].what).text.text == "murder-outcome 1\n");
  CHECK(prove(bench, "w000", attempt, OutcomeKind::healthy).empty());
  CHECK(prove(bench, "w000", attempt, OutcomeKind::returned).size() == 1);
  CHECK(prove(bench, "w000", attempt, OutcomeKind::failed).empty());
  bench.start();  // another process, from the log
  CHECK(prove(bench, "w000", attempt, OutcomeKind::returned).empty());
}

TEST_CASE("a snapshot knows that it was signed, without the text") {
  FleetBench bench(1);
  bench.all_have(2);
  REQUIRE(bench.start_rollout(2, {}));
  const uint64_t attempt = bench.wanted("w000").attempt;
  REQUIRE(prove(bench, "w000", attempt, OutcomeKind::failed).size() == 1);
  const Result<State> again = replay(snapshot_of(bench.coordinator->state()), bench.moment.now);
  REQUIRE(again);
  const Target& target = again->find_app("shop")->rollout->targets.front();
  CHECK(target.proven_attempt == attempt);
  CHECK(target.proven == OutcomeKind::failed);
  CHECK(text_of(*again) == text_of(bench.coordinator->state()));
}
