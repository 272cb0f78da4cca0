// What a deploy is told, and what comes of it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/fleet/plan/host_state.h"
#include "cli/fleet/plan/inventory.h"
#include "cli/fleet/plan/other_name.h"
#include "cli/fleet/plan/quorum.h"
#include "cli/fleet/plan/remote_command.h"
#include "cli/fleet/plan/stage_times.h"
#include "cli/fleet/torrent_signing.h"
#include "cli/ui/tree_options.h"
#include "engine/base/json.h"
#include "engine/base/result.h"

namespace murder::fleet {

// A deploy that a coordinator and an agent on each host do.
struct RolloutOptions {
  Json plan;  // members of the coordinator's plan, as far as they were said
  std::string health;
  std::string before_activate;
  std::string after_activate;
  bool is_attached = false;  // it ends with the command that started it
  // Nobody asked for it: where a tracker has the port, commands over ssh do the deploy.
  bool has_other_way = false;
};

struct DeployOptions {
  std::string source;
  std::string tag;
  std::string destination_path;
  std::string temp_path;
  std::string local_temp_path;
  bool on_seeder = false;     // source is a path there
  bool local_seeder = false;  // this machine serves
  bool no_distribute = false;
  bool no_tag_directory = false;
  bool unsafe_please_delete = false;
  bool keep_temp_files = false;
  bool activate = false;
  bool no_sync = false;          // hosts do not wait for their disks
  bool take_over = false;        // in place of a deploy that holds the lock
  std::string key;               // of its swarm (deploy_key.h); empty: it makes none
  bool must_be_closed = false;   // a tracker that cannot have the key is not used without it
  std::optional<Quorum> quorum;  // none: all
  std::optional<uint32_t> keep_releases;
  Duration stall_timeout{};
  Duration timeout{};
  LinkLimits limits;                   // of each host, the seeder included
  uint32_t hosts_expected = 0;         // that an earlier deploy of the tag was cut for; 0: none was
  std::vector<std::string> own_words;  // of the command line, for messages
  cli::PackingOptions packing;
  cli::PlacingOptions placing;
  std::optional<ReleaseSigning> signing;  // none: it is not signed
  std::string application;                // what it is a release of; empty: not said
  std::optional<RolloutOptions> rollout;  // none: ssh does all of it
  std::string why_commands;               // then: why; empty: see rollout
};

struct DeployOutcome {
  std::vector<HostIndex> done;                          // have the release now
  std::vector<HostIndex> already;                       // of these: had it before
  std::vector<std::pair<HostIndex, HostState>> states;  // of each peer, once
  std::vector<StageTime> stages;
  std::string stages_text;
  std::string info_hash;        // empty when it was not packed
  uint32_t hosts_expected = 0;  // that the piece size was chosen for
  bool is_activated = false;
  std::vector<OtherName> other_names;  // of machines that have another among the hosts
  std::string not_activated;           // why not, though it was asked for
  // The tag that is current on each host, as far as that was heard; empty: none is.
  std::vector<std::pair<HostIndex, std::string>> current;
  bool is_refused = false;   // another deploy is at work: nothing was begun
  Status fatal;              // why nothing went on
  std::string goes_on;       // where, without this command; empty: it has ended
  std::string why_commands;  // nothing was done: commands over ssh are to do it
};

}  // namespace murder::fleet
