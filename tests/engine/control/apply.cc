#include "engine/control/apply.h"

#include <doctest/doctest.h>

#include "engine/control/bounds.h"
#include "engine/control/snapshot.h"
#include "fleet_bench.h"

using namespace murder;
using namespace murder::control;

namespace {

template <typename What>
bool fits(State& state, What what) {
  const std::string before = text_of(state);
  const Status done = apply(state, {.by = "olga", .what = std::move(what)}, {});
  CHECK((done.has_value() || text_of(state) == before));
  CHECK((done.has_value() || !done.error().text.empty()));
  ensure_consistent(state);
  return done.has_value();
}

State some_state() {
  FleetBench bench(2);
  bench.all_run(1);
  CHECK(bench.start_rollout(2, {.max_unavailable = {.number = 1}}));
  bench.all_have(2);
  return bench.coordinator->state();  // w000 is told, w001 waits
}

}  // namespace

TEST_CASE("records that do not fit change nothing, whatever a log says") {
  State state = some_state();
  const ReleaseNumber none{9};
  CHECK_FALSE(fits(state, Started{.origin = 77, .term = 1}));
  CHECK_FALSE(fits(state, Started{.origin = 78, .term = 2}));
  CHECK_FALSE(fits(state, AgentSeen{.host = "w000", .identity = "another"}));
  CHECK_FALSE(fits(state, AgentSeen{.host = "w 0", .identity = "k"}));
  CHECK_FALSE(fits(state, AgentSeen{.host = "w2", .identity = ""}));
  CHECK_FALSE(fits(state, AgentSeen{.host = "w2", .identity = "k", .rack = "a b"}));
  CHECK_FALSE(fits(state, AgentForgotten{.host = "none"}));
  CHECK_FALSE(fits(state, ReleasePublished{.app = "shop", .tag = "v1", .number = {4}}));
  CHECK_FALSE(fits(state, ReleasePublished{.app = "shop", .tag = "v4", .number = {3}}));
  CHECK_FALSE(fits(state, ReleasePublished{.app = "shop", .tag = "..", .number = {4}}));
  CHECK_FALSE(fits(state, ReleasePublished{.app = "", .tag = "v4", .number = {4}}));
  CHECK_FALSE(fits(state, ReleaseRevoked{.app = "shop", .number = none}));
  CHECK_FALSE(
      fits(state, RolloutStarted{.app = "shop", .release = {1}, .number = state.sequence + 1}));
  CHECK_FALSE(fits(state, RolloutStarted{.app = "none", .release = {1}}));
  CHECK_FALSE(fits(state, WaveBegun{.app = "shop", .wave = 0}));
  CHECK_FALSE(fits(state, WaveBegun{.app = "shop", .wave = 1}));
  CHECK_FALSE(fits(state, Told{.app = "shop", .host = "w000"}));
  CHECK_FALSE(fits(state, Told{.app = "shop", .host = "w001", .back = true, .before = {1}}));
  CHECK_FALSE(fits(state, Told{.app = "shop", .host = "w001", .before = none}));
  CHECK_FALSE(fits(state, Told{.app = "shop", .host = "none"}));
  CHECK_FALSE(fits(state, Outcome{.app = "shop", .host = "w001", .stage = Stage::told}));
  CHECK_FALSE(fits(state, Outcome{.app = "shop", .host = "w001", .stage = Stage::failed}));
  CHECK_FALSE(fits(state, Outcome{.app = "shop", .host = "w001", .stage = Stage::back_done}));
  CHECK_FALSE(fits(
      state,
      Outcome{.app = "shop", .host = "w000", .stage = Stage::healthy, .reason = Reason::late}));
  CHECK_FALSE(fits(state, Outcome{.app = "none", .host = "w000", .stage = Stage::healthy}));
  CHECK_FALSE(fits(state, StateChanged{.app = "shop", .state = RolloutState::undone}));
  CHECK_FALSE(fits(state, StateChanged{.app = "none", .state = RolloutState::held}));
  CHECK_FALSE(fits(state, SnapshotBegun{.origin = 1, .sequence = 1}));
  CHECK_FALSE(fits(state, TargetKept{.app = "shop", .host = "w001", .attempt = state.sequence}));
}

TEST_CASE("records that fit") {
  State state = some_state();
  const uint64_t sequence = state.sequence;
  CHECK(fits(state, Outcome{.app = "shop", .host = "w000", .stage = Stage::healthy}));
  CHECK(fits(state, Told{.app = "shop", .host = "w001", .before = {1}}));
  CHECK(fits(state, StateChanged{.app = "shop", .state = RolloutState::undoing}));
  CHECK(fits(state, Told{.app = "shop", .host = "w000", .back = true}));
  CHECK(fits(state, AgentForgotten{.host = "w001"}));
  CHECK(fits(state, AgentSeen{.host = "w001", .identity = "another", .apps = {"shop"}}));
  CHECK(state.sequence == sequence + 6);
  CHECK(state.find_app("shop")->rollout->targets.size() == 2);
}

TEST_CASE("which stage and state may follow which") {
  CHECK(may_follow(Stage::waiting, Stage::told));
  CHECK_FALSE(may_follow(Stage::healthy, Stage::told));
  CHECK_FALSE(may_follow(Stage::failed, Stage::failed));
  CHECK_FALSE(may_follow(Stage::back_done, Stage::healthy));
  CHECK(may_follow(Stage::back_done, Stage::back_told));
  CHECK(may_follow(RolloutState::done, RolloutState::held));
  CHECK(may_follow(RolloutState::aborted, RolloutState::undoing));
  CHECK_FALSE(may_follow(RolloutState::undoing, RolloutState::running));
  CHECK_FALSE(may_follow(RolloutState::undone, RolloutState::undoing));
  CHECK_FALSE(may_follow(RolloutState::done, RolloutState::paused));
  CHECK_FALSE(may_follow(RolloutState::held, RolloutState::done));
}

TEST_CASE("releases are bounded: the oldest that nobody needs is forgotten, revoked ones last") {
  State state = some_state();
  CHECK(fits(state, ReleasePublished{
                        .app = "shop", .tag = "bad", .number = {4}, .info_hash = hash_of(4)}));
  CHECK(fits(state, ReleaseRevoked{.app = "shop", .number = {4}}));
  const auto publish_many = [&](uint32_t first, uint32_t last) {
    for (uint32_t number = first; number <= last; ++number) {
      const Status done = apply(state,
                                {.what = ReleasePublished{.app = "shop",
                                                          .tag = fmt::format("t{}", number),
                                                          .number = {number}}},
                                {});
      REQUIRE(done.has_value());
    }
  };
  publish_many(5, limits::control_releases_max + 20);
  const App& app = *state.find_app("shop");
  CHECK(app.releases.size() == limits::control_releases_max);
  CHECK(find_release(app, "v1") != nullptr);  // w000 ran it
  CHECK(find_release(app, "v2") != nullptr);  // is rolled out
  CHECK(find_release(app, "v3") == nullptr);
  CHECK(find_release(app, "bad") != nullptr);
  ensure_consistent(state);
}

TEST_CASE("revoking bytes revokes them under each tag") {
  State state = some_state();
  CHECK(fits(state, ReleasePublished{
                        .app = "shop", .tag = "same", .number = {4}, .info_hash = hash_of(3)}));
  CHECK(fits(state, ReleaseRevoked{.app = "shop", .number = {3}}));
  CHECK(find_release(*state.find_app("shop"), "same")->revoked);
  CHECK_FALSE(find_release(*state.find_app("shop"), "v1")->revoked);
}

TEST_CASE("a log that does not fit names the record") {
  const Result<State> state = replay(std::vector<Record>{{.what = Started{.origin = 1, .term = 1}},
                                                         {.what = AgentForgotten{.host = "w1"}}},
                                     {});
  REQUIRE_FALSE(state.has_value());
  CHECK(state.error().text.find("record 2 of the coordinator's log") != std::string::npos);
}
