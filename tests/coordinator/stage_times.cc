#include "coordinator/stage_times.h"

#include <doctest/doctest.h>

#include <vector>

using namespace murder;
using namespace murder::coordinator;
using namespace std::chrono_literals;
namespace ctl = murder::control;

namespace {

template <typename What>
std::vector<ctl::Record> one(What what) {
  return {{.wall_s = 1, .by = "", .what = std::move(what)}};
}

struct TimesBench {
  StageTimes times;
  Instant now{1h};

  template <typename What>
  void note(What what) {
    times.note(one(std::move(what)), now);
  }
  void tell(const std::string& host, bool back = false) {
    note(ctl::Told{.app = "shop", .host = host, .back = back});
  }
  void end(const std::string& host, ctl::Stage stage) {
    note(ctl::Outcome{.app = "shop", .host = host, .stage = stage});
  }
};

}  // namespace

TEST_CASE("what hosts are told takes until its outcome") {
  TimesBench bench;
  bench.tell("w1");
  bench.tell("w2");
  bench.now += 3s;
  bench.end("w1", ctl::Stage::healthy);
  bench.now += 2s;
  bench.end("w2", ctl::Stage::failed);
  bench.tell("w2", /*back=*/true);
  bench.now += 1s;
  bench.end("w2", ctl::Stage::back_done);
  CHECK(bench.times.of(TimedStage::activate, true).count == 1);
  CHECK(bench.times.of(TimedStage::activate, true).time == 3s);
  CHECK(bench.times.of(TimedStage::activate, false).count == 1);
  CHECK(bench.times.of(TimedStage::activate, false).time == 5s);
  CHECK(bench.times.of(TimedStage::back, true).time == 1s);
  CHECK(bench.times.of(TimedStage::back, false).count == 0);
}

TEST_CASE("an outcome counts once, and only of what was told") {
  TimesBench bench;
  bench.end("w1", ctl::Stage::healthy);
  bench.tell("w1");
  bench.end("w1", ctl::Stage::waiting);
  bench.end("w1", ctl::Stage::healthy);
  CHECK(bench.times.of(TimedStage::activate, true).count == 0);
  bench.tell("w1");
  bench.now += 1s;
  bench.tell("w1");  // once more, with another attempt
  bench.now += 1s;
  bench.end("w1", ctl::Stage::healthy);
  bench.end("w1", ctl::Stage::failed);
  CHECK(bench.times.of(TimedStage::activate, true).count == 1);
  CHECK(bench.times.of(TimedStage::activate, true).time == 1s);
  CHECK(bench.times.of(TimedStage::activate, false).count == 0);
}

TEST_CASE("a rollout takes until it is over") {
  TimesBench bench;
  bench.note(ctl::RolloutStarted{.app = "shop", .number = 7});
  bench.now += 4s;
  bench.note(ctl::StateChanged{.app = "shop", .state = ctl::RolloutState::held});
  CHECK(bench.times.of(TimedStage::rollout, true).count == 0);
  bench.note(ctl::StateChanged{.app = "shop", .state = ctl::RolloutState::running});
  bench.note(ctl::StateChanged{.app = "shop", .state = ctl::RolloutState::done});
  CHECK(bench.times.of(TimedStage::rollout, true).time == 4s);
  bench.note(ctl::RolloutStarted{.app = "shop", .number = 8});
  bench.times.forget_begun();
  bench.note(ctl::StateChanged{.app = "shop", .state = ctl::RolloutState::aborted});
  CHECK(bench.times.of(TimedStage::rollout, false).count == 0);
}
