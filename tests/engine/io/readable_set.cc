#include "engine/io/readable_set.h"

#include <sys/socket.h>
#include <unistd.h>

#include <memory>
#include <vector>

#include "support.h"

using namespace murder;
using namespace murder::io;
using namespace std::chrono_literals;

namespace {

Instant clock_now{};

Instant set_clock() {
  return clock_now;
}

struct SetBench {
  explicit SetBench(const ReactorOptions& options = {}) : reactor(make_reactor(options)) {
    set = ReadableSet::create(*reactor, callback<&SetBench::gather_time>(this),
                              callback<&SetBench::on_found>(this))
              .value();
  }
  Duration gather_time() {
    ++asked_count;
    return gather;
  }
  void on_found(const ReadableSet::Found& each) { found.push_back(each); }
  void send(const SocketPair& pair) const { REQUIRE(::send(pair.second.get(), "x", 1, 0) == 1); }
  bool finds(size_t count) {
    return reactor->run_until([&] { return found.size() >= count; }, patience);
  }

  std::unique_ptr<Reactor> reactor;
  std::unique_ptr<ReadableSet> set;
  Duration gather{};
  int asked_count = 0;
  std::vector<ReadableSet::Found> found;
};

}  // namespace

TEST_CASE("a socket is found when something comes, also what was there before, and again") {
  SetBench bench;
  const SocketPair early = make_pair();
  const SocketPair later = make_pair();
  bench.send(early);
  REQUIRE(bench.set->add(early.first.get(), 7));
  REQUIRE(bench.set->add(later.first.get(), uint64_t{8} << 40U));
  REQUIRE(bench.finds(1));
  CHECK(bench.found[0].token == 7);
  CHECK_FALSE(bench.found[0].is_ended);
  bench.send(later);
  REQUIRE(bench.finds(2));
  CHECK(bench.found[1].token == uint64_t{8} << 40U);
  bench.send(early);  // nobody has read what came before
  REQUIRE(bench.finds(3));
  CHECK(bench.found[2].token == 7);
}

TEST_CASE("a socket that has ended is found, and said to be") {
  SetBench bench;
  SocketPair pair = make_pair();
  REQUIRE(bench.set->add(pair.first.get(), 1));
  pair.second.reset();
  REQUIRE(bench.finds(1));
  CHECK(bench.found[0].is_ended);
}

TEST_CASE("those that come within the time to gather are handed out together") {
  clock_now = Instant(1h);
  SetBench bench({.clock = set_clock});
  bench.gather = 20ms;
  std::vector<SocketPair> pairs;
  for (uint64_t token = 0; token < 300; ++token) {
    pairs.push_back(make_pair());
    REQUIRE(bench.set->add(pairs.back().first.get(), token));
  }
  bench.send(pairs[0]);
  for (int turn = 0; turn < 5 || bench.asked_count == 0; ++turn) {
    bench.reactor->run_turn(1ms);
  }
  CHECK(bench.found.empty());
  for (const SocketPair& pair : pairs) {
    bench.send(pair);
  }
  bench.reactor->run_turn(1ms);
  CHECK(bench.found.empty());
  CHECK(bench.asked_count == 1);
  clock_now += 20ms;
  bench.reactor->run_turn(1ms);
  CHECK(bench.found.size() == 256);
  bench.gather = 0ms;
  for (int turn = 0; turn < 1000 && bench.found.size() < pairs.size(); ++turn) {
    bench.reactor->run_turn(1ms);
  }
  CHECK(bench.found.size() == pairs.size());
}

TEST_CASE("a set that ends leaves nothing in flight, whatever it waits for") {
  for (const Duration gather : {Duration::zero(), Duration(1h)}) {
    SetBench bench;
    bench.gather = gather;
    const SocketPair pair = make_pair();
    REQUIRE(bench.set->add(pair.first.get(), 1));
    bench.send(pair);
    REQUIRE(bench.reactor->run_until([&] { return bench.asked_count > 0; }, patience));
    bench.set.reset();
    CHECK(bench.reactor->operations_in_flight() == 0);
  }
}
