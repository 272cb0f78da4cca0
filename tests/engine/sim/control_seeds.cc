// The control plane in random trouble. Under sanitizers (MURDER_SANITIZED=1) fewer seeds.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <cstdlib>
#include <cstring>

#include "engine/sim/control/run.h"

using namespace murder;

TEST_CASE("a coordinator that dies at any record ends a rollout as one that lives") {
  uint32_t compared = 0;
  uint32_t finished = 0;
  for (uint64_t seed = 1; seed <= 40 && compared < 300; ++seed) {
    control_sim::Options options;
    options.seed = seed;
    options.host_count = 9;
    options.command_count = 2;
    const control_sim::Outcome whole = control_sim::run(options, false);
    CHECK(whole.fault == "");
    // What was paused or aborted in the middle is where it is by chance.
    const bool is_done = whole.standing.find(" done ") != std::string::npos;
    if (!is_done || whole.standing.find("waiting") != std::string::npos) {
      continue;
    }
    ++finished;
    for (uint64_t record = 1; record <= whole.record_count; ++record) {
      options.dies_at_record = record;
      const control_sim::Outcome cut = control_sim::run(options, false);
      if (cut.rollout_count == 0) {
        continue;  // the operator was not answered, and does not ask again
      }
      INFO(fmt::format("seed {}, dies at record {} of {}", seed, record, whole.record_count));
      CHECK(cut.fault == "");
      CHECK(cut.standing == whole.standing);
      CHECK(cut.restart_count == 1);
      ++compared;
    }
  }
  CHECK(finished >= 4);
  CHECK(compared > 100);
}

TEST_CASE(
    "in random trouble every rule of a rollout holds, and what lives ends where it is wanted") {
  const char* sanitized = std::getenv("MURDER_SANITIZED");
  const uint64_t seeds = sanitized != nullptr && std::strcmp(sanitized, "1") == 0 ? 40 : 1000;
  uint64_t rollouts = 0;
  uint64_t activations = 0;
  uint64_t restarts = 0;
  for (uint64_t seed = 1; seed <= seeds; ++seed) {
    const control_sim::Options options = control_sim::random_options(seed);
    const control_sim::Outcome outcome = control_sim::run(options, false);
    rollouts += outcome.rollout_count;
    activations += outcome.activation_count;
    restarts += outcome.restart_count;
    INFO(control_sim::description_of(options));
    INFO(fmt::format("replay it with: murder simulate --control --seed {}", seed));
    CHECK(outcome.fault == "");
  }
  // It is trouble that they were in.
  CHECK(rollouts > seeds);
  CHECK(activations > 8 * seeds);
  CHECK(restarts > seeds);
}
