// What peers are told besides the torrent.
#pragma once

#include <chrono>
#include <string>

#include "cli/fleet/plan/remote_command.h"
#include "cli/ui/tree_options.h"
#include "engine/base/instant.h"

namespace murder::fleet {

struct PeeringOptions {
  std::string tag;
  std::string destination_path;
  std::string temp_path;
  bool to_is_directory = false;  // also for a file
  bool no_tag_directory = false;
  bool unsafe_please_delete = false;
  bool record = false;     // for activate and rollback
  bool take_over = false;  // what an earlier attempt left at work is ended
  bool no_sync = false;    // hosts do not wait for their disks
  Duration seed_for = std::chrono::seconds(30);
  Duration stall_timeout = std::chrono::minutes(2);
  Duration timeout = std::chrono::hours(1);  // of all of it
  LinkLimits limits;                         // of each peer
  cli::PlacingOptions placing;
  std::string deploy;       // names it on the hosts; none: empty
  std::string application;  // what the hosts take releases of, where they must be signed
};

}  // namespace murder::fleet
