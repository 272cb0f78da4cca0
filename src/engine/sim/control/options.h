// A fleet, its operators and their bad days, for the control plane's simulator. Values only.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "engine/base/instant.h"

namespace murder::control_sim {

struct Options {
  uint64_t seed = 1;  // the same seed gives the same run
  uint32_t host_count = 20;
  uint32_t app_count = 1;
  uint32_t rack_count = 4;
  Duration trouble = std::chrono::minutes(10);  // how long things go wrong
  Duration calm = std::chrono::minutes(22);     // then everything that lives can settle

  // Of each message, while there is trouble.
  double lost_share = 0;
  double doubled_share = 0;
  double late_share = 0;  // up to four minutes

  // How often it happens to a host, while there is trouble.
  double kills = 0;  // of the agent's process
  double reboots = 0;
  double cuts = 0;        // from the network, for up to five minutes
  double wipe_share = 0;  // of reboots: the disk is new
  double die_share = 0;   // of the hosts: they never come back

  double liar_share = 0;       // of the hosts
  double bad_share = 0;        // of the releases: some hosts, or all, cannot run them
  uint32_t restarts = 0;       // of the coordinator, anywhere between two records
  uint32_t command_count = 8;  // of operators
  // The coordinator dies when this many records are on its disk (0: not for that).
  uint64_t dies_at_record = 0;
};

// A fleet in random trouble, the same for the same seed.
[[nodiscard]] Options random_options(uint64_t seed);

[[nodiscard]] std::string description_of(const Options& options);

}  // namespace murder::control_sim
