// The current release of hosts: switched, switched back, and old ones removed.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "cli/fleet/work.h"

namespace murder::fleet {

struct ActivationOptions {
  std::string tag;
  std::string destination_path;
  bool is_rollback = false;
  bool no_sync = false;  // hosts do not wait for their disks
};

// DESTINATION/current -> TAG. Failures are noted; the hosts where it was done are returned.
[[nodiscard]] std::vector<HostIndex> activate(Work& work, std::span<const HostIndex> hosts,
                                              const ActivationOptions& options);
// Failures are noted: the release is there all the same.
void remove_old_releases(Work& work, std::span<const HostIndex> hosts,
                         const std::string& destination_path, uint32_t keep);

// What a host says of DESTINATION.
struct HostReleases {
  HostIndex host;
  std::string current;                // empty: none
  std::vector<std::string> releases;  // that murder put there and are there
  std::string previous;               // where a rollback goes; empty: nowhere
  std::string previous_problem;       // why
};
[[nodiscard]] std::vector<HostReleases> list_releases(Work& work, std::span<const HostIndex> hosts,
                                                      const std::string& destination_path);

}  // namespace murder::fleet
