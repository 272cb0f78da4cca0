// What the tasks of `murder key` that are about signers have in common.
#pragma once

#include <string>

#include "cli/ui/argument_parser.h"
#include "engine/host/trusted_signers.h"

namespace murder::cli {

inline constexpr ManualItem allowed_signers_file = {
    "/etc/murder/allowed_signers",
    "Who may sign releases for this host, in the format of ALLOWED SIGNERS in `ssh-keygen`(1). "
    "Where it is there, releases that nobody of it signed are refused. A line "
    "`# murder: require = 2` demands signatures by two of them."};

inline void add_allowed_signers_option(ArgumentParser command, std::string& path) {
  path = host::allowed_signers_path;
  command
      .add_option("--allowed-signers", path, "Who may sign (default: /etc/murder/allowed_signers)")
      .type_name("FILE");
}

}  // namespace murder::cli
