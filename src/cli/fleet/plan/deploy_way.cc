#include "cli/fleet/plan/deploy_way.h"

#include <array>

namespace murder::fleet {
namespace {

// The coordinator is the tracker as well, and runs where the release is served from.
bool has_other_trackers(const Inventory& inventory) {
  return !inventory.is_tracker_default &&
         (inventory.trackers.size() != 1 || inventory.seeders != inventory.trackers);
}

}  // namespace

WayReason reason_for_commands(const DeployWants& wants, const Inventory& inventory) {
  struct Case {
    bool applies;
    WayReason reason;
  };
  const std::array cases = {
      Case{wants.refuses_coordinator, {"--no-coordinate", "it was asked for"}},
      Case{wants.has_common_input,
           {"--launcher", "it gives all hosts the same input, and each agent needs its own"}},
      Case{wants.local_seeder, {"--local-seeder", "the release is served by this machine"}},
      Case{wants.on_seeder, {"--on-seeder", "the release is packed on the seeder's host"}},
      Case{wants.no_tag_directory,
           {"--no-tag-directory", "an agent keeps releases in a directory each"}},
      Case{wants.keeps_without_activate,
           {"--keep-releases", "without --activate nothing follows the fetch on a host"}},
      Case{has_other_trackers(inventory),
           {"--tracker", "the coordinator is the tracker, on the host of the seeder", true}},
      Case{inventory.seeders.size() > 1,
           {"--seeder", "there are several, and one coordinator with one of them", true}},
  };
  for (const Case& each : cases) {
    if (each.applies) {
      return each.reason;
    }
  }
  return {};
}

}  // namespace murder::fleet
