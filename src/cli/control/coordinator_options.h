// Which coordinator a command speaks to, and by what right.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/ui/command.h"
#include "engine/codec/server_place.h"

namespace murder::cli {

struct CoordinatorOptions {
  std::vector<std::string> coordinators;  // --coordinator
  std::optional<std::string> ssh;         // --ssh
  std::string operator_key_path;          // --operator-key
  std::string config_path;                // --config
};

void add_coordinator_options(ArgumentParser command, CoordinatorOptions& options);

// "ssh://[USER@]HOST[:PORT][/COORDINATOR]": the command runs there.
struct SshPlace {
  std::string destination;         // "ops@t1", as ssh takes it
  std::string port;                // empty: ssh's own choice
  codec::ServerPlace coordinator;  // as that host reaches it
};

struct CoordinatorPlaces {
  std::vector<codec::ServerPlace> coordinators;  // to be asked in this order; empty with ssh
  std::optional<SshPlace> ssh;
  std::string origin;       // who named them, for messages; empty: the command line
  std::string ssh_command;  // --ssh, $MURDER_SSH or murder.toml; may be empty
};

// Of the words of options, of the environment or of a file; each may hold several, with commas
// between them. Pure.
[[nodiscard]] Result<CoordinatorPlaces> parse_coordinators(const std::vector<std::string>& words);

// The options, else $MURDER_COORDINATOR, else `coordinator` of murder.toml, else the coordinator of
// this machine.
[[nodiscard]] Result<CoordinatorPlaces> coordinators_of(const CoordinatorOptions& options,
                                                        CommandContext& context);

}  // namespace murder::cli
