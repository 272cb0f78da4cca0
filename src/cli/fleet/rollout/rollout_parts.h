// Answers to single questions of a deploy by a coordinator, from what it is given.
#pragma once

#include <span>
#include <string>

#include "cli/fleet/deploy_run.h"
#include "cli/fleet/local_torrent.h"

namespace murder::fleet {

// What its agents call the app that it is of.
[[nodiscard]] std::string deploy_app_name(const std::string& application);
// What is to be done about a seeder of the tag, by what coordinate told of lock and processes.
[[nodiscard]] SeederStep seeder_step_of(const Json& leased, const std::string& tag);
// The first character of a line that somebody types, while the deploy is followed; 'w': it is over,
// which `ended` tells by then. A second ^C, a terminal that is gone and the end of what is typed
// leave it running: 'l'.
[[nodiscard]] char typed_answer(DeployRun& run, const Json& ended);
// What is said to `murder coordinate` besides the deploy's own words.
struct CoordinateWords {
  bool has_keys = false;  // they come on its standard input
  bool has_other_way = false;
  bool waits_for_port = false;
  std::span<const std::string> replaced;  // tokens
  std::span<const std::string> ousted;
};
[[nodiscard]] std::string coordinate_command_of(const DeployRun& run, const CoordinateWords& words);
struct ReleaseWords {
  const PackedRelease& release;
  const std::string& info_hash;
  const std::string& coordinator;  // where agents find it
  uint32_t hosts_needed = 0;
  bool activates = false;
  const Json& orders;  // signed; null: none
};
// What coordinate is told once the release is packed: the torrent, its hosts and the plan.
[[nodiscard]] Json release_message_of(const DeployRun& run, const ReleaseWords& words);
// `murder releases` on a host, and of what it told the tags by info hash.
[[nodiscard]] std::string releases_command_of(const DeployRun& run);
[[nodiscard]] Json placed_tags_of(const Json& releases);
// Gives back what a coordinate that was lost held. `info_hash`: of the release, which nobody
// fetches there any more; empty: not known.
[[nodiscard]] std::string unlock_command_of(const DeployRun& run, const std::string& info_hash);
// Stops what serves or fetches the release on a host, and removes what the deploy left there.
[[nodiscard]] std::string finish_command_of(const DeployRun& run, bool path_is_file);

}  // namespace murder::fleet
