// What the tasks of `murder fleet` are told besides the hosts: Murder's own parameters, as flags
// and as name=value.
#pragma once

#include <string>

#include "cli/fleet/fleet_options.h"
#include "cli/fleet/peering_options.h"
#include "cli/signing/signing.h"
#include "cli/ui/argument_parser.h"
#include "engine/base/result.h"

namespace murder::fleet {

struct TaskOptions {
  FleetOptions fleet;
  std::string tag;
  std::string files_path;
  std::string destination_path;
  std::string temp_path;
  bool no_tag_directory = false;
  bool unsafe_please_delete = false;
  bool path_is_file = false;
  bool do_not_download_torrent = false;
  bool force = false;
  cli::PackingOptions packing;
  cli::SigningOptions signing;
  PeeringOptions peering;  // its durations, limits and `placing` only
};

void add_tag_option(cli::ArgumentParser command, TaskOptions& options);
void add_temp_path_option(cli::ArgumentParser command, TaskOptions& options);
void add_path_is_file_option(cli::ArgumentParser command, TaskOptions& options);
// --sign, and what is signed.
void add_signing_options(cli::ArgumentParser command, TaskOptions& options);
// How long peers may take, and go on serving.
void add_peering_options(cli::ArgumentParser command, PeeringOptions& options);

// What a host may send and receive.
void add_limit_options(cli::ArgumentParser command, LinkLimits& limits);

// The tag, else default_tag of the configuration; checked.
[[nodiscard]] Result<std::string> tag_of(const std::string& option, const Variables& variables);
// Where releases go on the hosts: the option, else default_destination_path of the configuration.
// Errors: there is none; it is relative, which a command on a host would take from its home.
[[nodiscard]] Result<std::string> destination_of(const std::string& option,
                                                 const Variables& variables);
// A path that is meant for hosts, on this machine: "~" is the home of who runs this.
[[nodiscard]] std::string local_path(const std::string& path);
// The first that is not empty.
[[nodiscard]] std::string first_of(const std::string& option, const std::string& variable);

}  // namespace murder::fleet
