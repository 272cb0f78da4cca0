// The options that every fleet command has: which hosts, and how they are reached.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/fleet/config.h"
#include "cli/fleet/plan/inventory.h"
#include "cli/fleet/reach/launcher.h"
#include "cli/fleet/reach/runner.h"
#include "cli/ui/command.h"

namespace murder::fleet {

struct FleetOptions {
  std::string config_path;               // --config
  std::vector<std::string> hosts_paths;  // --hosts FILE
  std::vector<std::string> hosts;        // --host NODESET
  std::vector<std::string> trackers;     // --tracker NODESET
  std::vector<std::string> seeders;      // --seeder NODESET
  bool become = false;                   // --become
  std::optional<std::string> remote_murder_path;
  std::optional<uint16_t> tracker_port;
  std::string peer_port;
  std::string transport;  // --transport, of commands that have it
  ReachDefaults reach;    // --launcher, --ssh, --forks, --retries, --connect-timeout, ...
};

// --transport, for commands that start seeders and peers.
void add_transport_option(cli::ArgumentParser command, FleetOptions& options);
// Adds them under "Hosts" and "Reaching hosts" of --help.
void add_fleet_options(cli::ArgumentParser command, FleetOptions& options);

// The fleet as a command uses it. `run` has forks, retries and timeouts filled in; stage, input and
// cancel are the command's.
struct Fleet {
  std::unique_ptr<Inventory> inventory;  // at a fixed place: the launcher refers to it
  std::unique_ptr<Launcher> launcher;
  RunOptions run;
  std::string config_path;  // empty: no murder.toml was there
};

// The inventory alone: nothing is reached.
[[nodiscard]] Result<Inventory> load_inventory(const FleetOptions& options,
                                               cli::CommandContext& context);

[[nodiscard]] Result<Fleet> open_fleet(const FleetOptions& options, cli::CommandContext& context);

// The words of a command line of `murder fleet` and its kind, as CLI11 is to see them: Murder wrote
// `stop_seeding tag=v42 no_tag_directory=1` for `stop-seeding --tag=v42 --no-tag-directory=1`.
// Changes nothing in other commands' words, and nothing behind "--".
[[nodiscard]] std::vector<std::string> normalise_words(std::vector<std::string> words);

}  // namespace murder::fleet
