#include "engine/sim/simulation.h"

#include <doctest/doctest.h>

#include "engine/sim/floor.h"
#include "engine/sim/outcome.h"

using namespace murder;
using namespace std::chrono_literals;

namespace {

sim::Options small_fleet(uint32_t hosts, uint32_t pieces) {
  sim::Options options;
  options.host_count = hosts;
  options.geometry = {.total_bytes = uint64_t{pieces} * 65536 - 1000, .piece_bytes = 65536};
  options.rate = 100e6;
  options.latency = 50us;
  options.check_every = 1;
  return options;
}

sim::Outcome outcome_of(const sim::Options& options) {
  sim::Simulation simulation(options);
  while (simulation.advance(1000)) {
  }
  return sim::outcome_of(simulation);
}

}  // namespace

TEST_CASE("a fleet has the release, no byte of it in vain, not before the floor") {
  const sim::Outcome outcome = outcome_of(small_fleet(20, 64));
  CHECK(outcome.fault.empty());
  CHECK(outcome.done_count == 20);
  CHECK(outcome.ratio >= 1);
  CHECK(outcome.ratio < 1.4);
  CHECK(outcome.seeder_copies >= 1);
  CHECK(outcome.p50 <= outcome.p99);
  CHECK(outcome.p99 <= outcome.last);
}

TEST_CASE("a small release does not wait for a round trip with each piece") {
  sim::Options options = small_fleet(100, 60);
  options.geometry = {.total_bytes = 60ULL * 16384, .piece_bytes = 16384};
  options.latency = 500us;  // four piece times
  const sim::Outcome outcome = outcome_of(options);
  CHECK(outcome.done_count == 100);
  CHECK(outcome.last < 200 * options.latency);
}

TEST_CASE("the same seed gives the same run, another seed another one") {
  sim::Options options = small_fleet(12, 40);
  options.die_share = 0.2;
  options.reset_count = 5;
  const sim::Outcome first = outcome_of(options);
  const sim::Outcome again = outcome_of(options);
  CHECK(first.done_after == again.done_after);
  CHECK(first.messages_per_host == again.messages_per_host);
  options.seed = 2;
  CHECK(outcome_of(options).done_after != first.done_after);
}

TEST_CASE("which thread advances which hosts does not change the run") {
  sim::Options options = small_fleet(40, 60);
  options.rack_size = 10;
  options.rack_uplink = options.rate * 4;
  options.die_share = 0.1;
  options.silent_share = 0.5;
  options.reset_count = 10;
  options.join_over = std::chrono::milliseconds(20);
  const sim::Outcome together = outcome_of(options);
  options.region_hosts_min = 3;
  const sim::Outcome divided = outcome_of(options);
  CHECK(together.fault == "");
  CHECK(together.done_after == divided.done_after);
  CHECK(together.messages_per_host == divided.messages_per_host);
  CHECK(together.rack_copies_max == divided.rack_copies_max);
}

TEST_CASE("one host gets the release at the rate of its link") {
  sim::Options options = small_fleet(1, 200);
  const sim::Outcome outcome = outcome_of(options);
  CHECK(outcome.fault.empty());
  CHECK(outcome.ratio >= 1);
  CHECK(outcome.ratio < 1.03);
  CHECK(outcome.seeder_copies == doctest::Approx(1));
}

TEST_CASE("the floor is that of the binomial pipeline, and knows what makes a run longer") {
  sim::Options options;
  options.geometry = {.total_bytes = 256 * 65536, .piece_bytes = 65536};
  options.rate = 65536;  // a piece a second
  options.host_count = 1000;
  CHECK(sim::floor_of(options).plain == 265s);
  options.host_count = 1;
  CHECK(sim::floor_of(options).plain == 256s);
  options.host_count = 1000;
  options.join_over = 53s;
  CHECK(sim::floor_of(options).of_this_run == 309s);
  options.seed_rate = 65536.0 / 2;
  CHECK(sim::floor_of(options).of_this_run == 521s);
  options.rack_size = 40;
  options.rack_uplink = 65536.0 / 4;
  CHECK(sim::floor_of(options).of_this_run == 1024s);
  CHECK(sim::floor_of(options).plain == 265s);
}

TEST_CASE("what comes into racks is counted, and what stays within is not") {
  sim::Options options = small_fleet(16, 64);
  options.rack_size = 16;
  const sim::Outcome one_rack = outcome_of(options);
  CHECK(one_rack.rack_copies_max == doctest::Approx(one_rack.seeder_copies));
  options.rack_size = 1;
  sim::Simulation simulation(options);
  while (simulation.advance(1000)) {
  }
  for (size_t index = 1; index <= options.host_count; ++index) {
    const sim::Host& host = *simulation.hosts()[index];
    CHECK(simulation.rack_bytes()[host.rack] == host.wanted_bytes + host.unwanted_bytes);
    CHECK(host.wanted_bytes >= options.geometry.total_bytes);
  }
  CHECK(sim::outcome_of(simulation).rack_copies_max < 1.1);
}

TEST_CASE("a narrow uplink holds the hosts behind it back") {
  sim::Options options = small_fleet(8, 64);
  const sim::Outcome wide = outcome_of(options);
  options.rack_size = 4;
  options.rack_uplink = options.rate / 4;
  const sim::Outcome narrow = outcome_of(options);
  CHECK(narrow.fault.empty());
  CHECK(narrow.last >= narrow.floor_of_this_run);
  CHECK(narrow.last > 3 * wide.last);
}

TEST_CASE("a host with a slow link is told apart from the others") {
  sim::Options options = small_fleet(20, 64);
  options.slow_share = 0.05;
  options.slow_factor = 0.1;
  const sim::Outcome outcome = outcome_of(options);
  CHECK(outcome.fault.empty());
  CHECK(outcome.done_count == 20);
  CHECK(outcome.slow_last > 9 * outcome.floor);
  CHECK(outcome.last < outcome.slow_last);
}

TEST_CASE("hosts that join late are waited for") {
  sim::Options options = small_fleet(20, 64);
  options.join_over = 3 * sim::floor_of(options).plain;
  const sim::Outcome outcome = outcome_of(options);
  CHECK(outcome.fault.empty());
  CHECK(outcome.done_count == 20);
  CHECK(outcome.last > options.join_over * 9 / 10);
}

TEST_CASE("pieces that nobody has any more are lost, and what is left still goes to everybody") {
  sim::Options options = small_fleet(6, 64);
  options.seeder_leaves = 0.5;
  const sim::Outcome outcome = outcome_of(options);
  CHECK(outcome.done_count == 0);
  CHECK(outcome.lost_count > 0);
  CHECK(outcome.fault == "");
}
