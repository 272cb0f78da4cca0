#include "engine/sim/run_plan.h"

#include <doctest/doctest.h>

#include <set>

#include "engine/sim/clock.h"
#include "engine/sim/floor.h"

using namespace murder;
using namespace std::chrono_literals;

namespace {

sim::Options options_of(uint32_t hosts) {
  sim::Options options;
  options.host_count = hosts;
  options.geometry = {.total_bytes = 1000 * 65536, .piece_bytes = 65536};
  options.rate = 65536 * 10;
  return options;
}

uint32_t count_of(const sim::Host& host, sim::EventKind kind) {
  uint32_t count = 0;
  for (const sim::Event& event : host.agenda.events()) {
    count += event.kind == kind ? 1 : 0;
  }
  return count;
}

}  // namespace

TEST_CASE("the seeder joins before all others, which join one after the other over a time") {
  sim::Options options = options_of(11);
  options.join_over = 10s;
  Prng prng(1);
  sim::Fleet fleet(options, prng);
  sim::plan_run(fleet, options, Prng(2));
  CHECK(fleet.host(sim::seeder_index).joins_at == sim::run_start - sim::seeder_lead);
  std::set<Instant> times;
  for (uint32_t index = 1; index <= 11; ++index) {
    times.insert(fleet.host(index).joins_at);
    CHECK(count_of(fleet.host(index), sim::EventKind::join) == 1);
  }
  CHECK(times.size() == 11);
  CHECK(*times.begin() == sim::run_start);
  CHECK(*times.rbegin() == sim::run_start + 10s);
}

TEST_CASE("hosts that join at once are still told apart by time") {
  const sim::Options options = options_of(50);
  Prng prng(1);
  sim::Fleet fleet(options, prng);
  sim::plan_run(fleet, options, Prng(2));
  std::set<Instant> times;
  for (const auto& host : fleet.hosts()) {
    times.insert(host->joins_at);
  }
  CHECK(times.size() == 51);
}

TEST_CASE("a share of the hosts dies within the floor's time, and nobody waits for them") {
  sim::Options options = options_of(40);
  options.die_share = 0.25;
  options.silent_share = 1;
  options.reset_count = 9;
  Prng prng(1);
  sim::Fleet fleet(options, prng);
  sim::plan_run(fleet, options, Prng(2));
  uint32_t dying = 0;
  uint32_t resets = 0;
  for (const auto& host : fleet.hosts()) {
    resets += count_of(*host, sim::EventKind::reset);
    if (host->dies_at != instant_never) {
      ++dying;
      CHECK(host->dies_silently);
      CHECK(host->dies_at >= sim::run_start);
      CHECK(host->dies_at <= sim::run_start + sim::floor_of(options).plain);
      CHECK(count_of(*host, sim::EventKind::die) == 1);
      CHECK_FALSE(host->is_alive_at(host->dies_at));
      CHECK(host->is_silent_at(host->dies_at));
    }
  }
  CHECK(dying == 10);
  CHECK(resets == 9);
  CHECK(fleet.unfinished_count() == 30);
  CHECK(fleet.host(sim::seeder_index).dies_at == instant_never);
}
