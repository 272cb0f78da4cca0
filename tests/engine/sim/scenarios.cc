// Fleets in trouble, and a large one that is well. Under sanitizers (MURDER_SANITIZED=1) fewer.
#include "engine/sim/scenario.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <cstdlib>
#include <cstring>

#include "engine/sim/outcome.h"

using namespace murder;
using namespace std::chrono_literals;

namespace {

bool is_sanitized() {
  const char* told = std::getenv("MURDER_SANITIZED");
  return told != nullptr && std::strcmp(told, "1") == 0;
}

sim::Outcome run_to_end(const sim::Options& options) {
  sim::Simulation simulation(options);
  while (simulation.advance(100'000)) {
  }
  return sim::outcome_of(simulation);
}

}  // namespace

TEST_CASE(
    "in random trouble every living host gets what is left, and all rules hold all the time") {
  const uint64_t seeds = is_sanitized() ? 8 : 50;
  uint32_t done = 0;
  for (uint64_t seed = 1; seed <= seeds; ++seed) {
    const sim::Options options = sim::random_scenario(seed);
    const sim::Outcome outcome = run_to_end(options);
    done += outcome.done_count;
    INFO(sim::description_of(options));
    INFO(fmt::format("replay it with: murder simulate --scenario {}", seed));
    CHECK(outcome.fault == "");
  }
  CHECK(done > 7 * seeds);
}

TEST_CASE("a fleet of 2,000 hosts has the release") {
  sim::Options options;
  options.host_count = is_sanitized() ? 200 : 2000;
  options.geometry = {.total_bytes = 16U << 20U, .piece_bytes = 512U << 10U};
  options.piece_memory_bytes = 8U << 20U;
  options.check_every = 50'000;
  const sim::Outcome outcome = run_to_end(options);
  CHECK(outcome.fault == "");
  CHECK(outcome.done_count == options.host_count);
  CHECK(outcome.ratio < 4.5);  // a piece takes two latencies
  CHECK(outcome.seeder_copies < 2);
}
