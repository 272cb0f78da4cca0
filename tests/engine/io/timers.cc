#include "engine/io/timers.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "engine/base/prng.h"

using namespace murder;
using namespace murder::io;

namespace {

Instant at(int64_t ns) {
  return Instant(Duration(ns));
}

struct Alarm {
  Alarm(Timers& timers, std::vector<int>& log, int name)
      : timer(timers, callback<&Alarm::fired>(this)), log_(log), name_(name) {}

  void fired(Timer&) {
    log_.push_back(name_);
    if (again_at) {
      timer.arm(*std::exchange(again_at, std::nullopt));
    }
  }

  Timer timer;
  std::optional<Instant> again_at;

 private:
  std::vector<int>& log_;
  int name_;
};

}  // namespace

TEST_CASE("timers fire by deadline, equal ones in the order of arming") {
  Timers timers(4);
  std::vector<int> log;
  Alarm late(timers, log, 3);
  Alarm early(timers, log, 1);
  Alarm also_early(timers, log, 2);
  late.timer.arm(at(30));
  early.timer.arm(at(10));
  also_early.timer.arm(at(10));
  CHECK(timers.next() == at(10));
  CHECK(timers.fire(at(9)) == 0);
  CHECK(timers.fire(at(10)) == 2);
  CHECK(log == std::vector<int>{1, 2});
  CHECK(timers.next() == at(30));
  CHECK(timers.fire(at(100)) == 1);
  CHECK(log == std::vector<int>{1, 2, 3});
  CHECK(timers.next() == instant_never);
}

TEST_CASE("a cancelled, re-armed or destroyed timer does not fire at its old deadline") {
  Timers timers(4);
  std::vector<int> log;
  Alarm cancelled(timers, log, 1);
  Alarm moved(timers, log, 2);
  auto destroyed = std::make_unique<Alarm>(timers, log, 3);
  cancelled.timer.arm(at(10));
  moved.timer.arm(at(10));
  destroyed->timer.arm(at(10));
  cancelled.timer.cancel();
  moved.timer.arm(at(20));
  destroyed.reset();
  CHECK(timers.armed_count() == 1);
  CHECK(timers.fire(at(15)) == 0);
  CHECK(moved.timer.deadline() == at(20));
  CHECK(timers.fire(at(20)) == 1);
  CHECK(log == std::vector<int>{2});
  CHECK_FALSE(moved.timer.armed());
  CHECK(moved.timer.deadline() == instant_never);
}

TEST_CASE("a timer that arms itself for now waits for the next call") {
  Timers timers(4);
  std::vector<int> log;
  Alarm alarm(timers, log, 1);
  alarm.again_at = at(5);
  alarm.timer.arm(at(5));
  CHECK(timers.fire(at(10)) == 1);
  CHECK(alarm.timer.armed());
  CHECK(timers.fire(at(10)) == 1);
  CHECK_FALSE(alarm.timer.armed());
}

TEST_CASE("armed for never is not armed") {
  Timers timers(1);
  std::vector<int> log;
  Alarm alarm(timers, log, 1);
  alarm.timer.arm(instant_never);
  CHECK_FALSE(alarm.timer.armed());
}

TEST_CASE("thousands of timers armed, moved and cancelled at random fire in order") {
  Timers timers(16);
  Prng prng(7);
  std::vector<int> log;
  std::vector<std::unique_ptr<Alarm>> alarms;
  for (int index = 0; index < 2000; ++index) {
    alarms.push_back(std::make_unique<Alarm>(timers, log, index));
    alarms.back()->timer.arm(at(static_cast<int64_t>(prng.below(1000))));
  }
  std::vector<Instant> deadlines(alarms.size());
  uint32_t armed = 0;
  for (size_t index = 0; index < alarms.size(); ++index) {
    Timer& timer = alarms[index]->timer;
    switch (prng.below(3)) {
      case 0:
        timer.cancel();
        break;
      case 1:
        timer.arm(at(static_cast<int64_t>(prng.below(1000))));
        break;
      default:
        break;
    }
    deadlines[index] = timer.deadline();
    armed += timer.armed() ? 1 : 0;
  }
  CHECK(timers.armed_count() == armed);
  for (int64_t now = 0; now <= 1000; now += 10) {
    timers.fire(at(now));
    CHECK(timers.next() > at(now));
  }
  CHECK(log.size() == armed);
  CHECK(std::is_sorted(log.begin(), log.end(), [&](int left, int right) {
    return deadlines[static_cast<size_t>(left)] < deadlines[static_cast<size_t>(right)];
  }));
}
