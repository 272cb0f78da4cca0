// The control plane in random trouble. Under sanitizers (MURDER_SANITIZED=1) fewer seeds.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <cstdlib>
#include <cstring>

#include "engine/sim/control/run.h"

using namespace murder;

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
