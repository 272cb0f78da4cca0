// Which launcher options and environment choose.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "cli/fleet/reach/launcher.h"

namespace murder::fleet {

struct LauncherOptions {
  std::string launcher = "ssh";  // "ssh", "clush" or "exec:TEMPLATE"
  std::string ssh_command;       // --ssh; empty: $MURDER_SSH, else "ssh"
  Duration connect_timeout = limits::connect_timeout_default;
  std::string run_directory;  // --run-dir; shared connections have their sockets below it
};

// Errors: no such launcher, a template without {host} or {command}, a directory that cannot be
// made.
[[nodiscard]] Result<std::unique_ptr<Launcher>> make_launcher(const LauncherOptions& options,
                                                              const Inventory& inventory);

// The words that start ssh as --ssh says: split here, or by a shell if it is needed for more.
[[nodiscard]] Result<std::vector<std::string>> ssh_words(const std::string& command);

}  // namespace murder::fleet
