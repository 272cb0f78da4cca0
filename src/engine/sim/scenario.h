// Small fleets in trouble, each made from one number: for tests, and to run one of them again.
#pragma once

#include <cstdint>
#include <string>

#include "engine/sim/options.h"

namespace murder::sim {

// Hosts that join late, die with and without a word, are slow or have slow disks, racks,
// connections that break, a seeder that leaves: each of them in some of the scenarios, all checks
// on.
[[nodiscard]] Options random_scenario(uint64_t seed);

// One line for a person.
[[nodiscard]] std::string description_of(const Options& options);

}  // namespace murder::sim
