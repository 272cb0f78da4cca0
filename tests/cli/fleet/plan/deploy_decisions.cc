#include "cli/fleet/plan/deploy_decisions.h"

#include <doctest/doctest.h>

#include <chrono>
#include <vector>

using namespace murder;
using namespace murder::fleet;
using std::chrono::seconds;

namespace {

std::optional<HostIndex> choose(const std::vector<Reach>& reach, bool has_waited) {
  std::vector<HostIndex> order;
  for (uint32_t index = 0; index < reach.size(); ++index) {
    order.push_back(HostIndex{index});
  }
  return choose_default_host(
      order, [&](HostIndex host) { return reach[host.raw]; }, has_waited);
}

const Origin self{
    .machine = "machine", .boot = "boot", .pid_space = "pid:[1]", .pid = 10, .started = 500};

bool is_gone_here(const Origin& other) {
  return is_gone(other, self, [](uint64_t pid) { return uint64_t{pid == 20 ? 700U : 0U}; });
}

}  // namespace

TEST_CASE("the first host that is ready has the roles, once those before it had their chance") {
  using enum Reach;
  CHECK(choose({ready, ready}, false) == HostIndex{0});
  CHECK(choose({lost, ready}, false) == HostIndex{1});
  CHECK_FALSE(choose({unknown, ready}, false));
  CHECK(choose({unknown, ready}, true) == HostIndex{1});
  CHECK_FALSE(choose({unknown, lost}, true));
  CHECK_FALSE(choose({lost, lost}, true));
}

TEST_CASE("a seeder of the tag is used or ended if an earlier deploy left it, and else refused") {
  CHECK(seeder_step({}, "a") == SeederStep::start);
  const SeederFound left{
      .runs = true, .info_hash = "a", .is_known_to_tracker = true, .is_ours = true};
  CHECK(seeder_step(left, "a") == SeederStep::adopt);
  CHECK(seeder_step(left, "b") == SeederStep::replace);
  SeederFound unknown = left;
  unknown.is_known_to_tracker = false;
  CHECK(seeder_step(unknown, "a") == SeederStep::replace);
  SeederFound closed = left;
  closed.has_other_key = true;
  CHECK(seeder_step(closed, "a") == SeederStep::replace);
  SeederFound foreign = left;
  foreign.is_ours = false;
  CHECK(seeder_step(foreign, "a") == SeederStep::refuse);
}

TEST_CASE("a deploy is gone when its machine was booted since, or its process is another") {
  const Origin running{
      .machine = "machine", .boot = "boot", .pid_space = "pid:[1]", .pid = 20, .started = 700};
  CHECK_FALSE(is_gone_here(running));
  Origin ended = running;
  ended.pid = 21;
  CHECK(is_gone_here(ended));
  Origin reused = running;
  reused.started = 600;
  CHECK(is_gone_here(reused));
  Origin booted = running;
  booted.boot = "before";
  CHECK(is_gone_here(booted));
}

TEST_CASE("of another machine or of processes that are not seen nothing is known") {
  Origin other = self;
  other.pid = 21;
  other.machine = "another";
  CHECK_FALSE(is_gone_here(other));
  other.boot = "before";
  CHECK_FALSE(is_gone_here(other));
  other = self;
  other.pid = 21;
  other.pid_space = "pid:[2]";
  CHECK_FALSE(is_gone_here(other));
}

TEST_CASE("an origin is read back as it was written") {
  CHECK(decode_origin(encode_origin(self)) == self);
  for (const char* text : {"", "a b c 1", "a b c 1 x", " b c 1 2", "a b c 1 2 3"}) {
    CHECK_FALSE(decode_origin(text));
  }
}

TEST_CASE("beyond the quorum a host is left that does not move, or was never reached") {
  const Instant start(seconds(100));
  const Laggard moving{.is_reached = true, .moved_at = start + seconds(50)};
  CHECK(reason_to_leave(moving, start + seconds(10), start, start + seconds(69)).empty());
  CHECK_FALSE(reason_to_leave(moving, start + seconds(10), start, start + seconds(70)).empty());
  // Before the quorum was reached it was not late.
  CHECK(reason_to_leave(moving, start + seconds(60), start, start + seconds(70)).empty());
  const Laggard dead{.is_reached = false, .moved_at = start};
  CHECK(reason_to_leave(dead, start + seconds(1), start, start + seconds(19)).empty());
  CHECK_FALSE(reason_to_leave(dead, start + seconds(1), start, start + seconds(20)).empty());
}

TEST_CASE("many hosts are asked when few still fetch, when nothing moves, and now and then") {
  const AskState busy{.tracker_answers = true, .seeders = 1, .leechers = 900, .pending = 1000};
  CHECK_FALSE(is_time_to_ask(busy));
  AskState few = busy;
  few.leechers = 10;
  CHECK(is_time_to_ask(few));
  few.tracker_answers = false;
  CHECK_FALSE(is_time_to_ask(few));
  AskState still = busy;
  still.still_for = seconds(20);
  CHECK(is_time_to_ask(still));
  AskState long_ago = busy;
  long_ago.since_asked = std::chrono::minutes(5);
  CHECK(is_time_to_ask(long_ago));
}
