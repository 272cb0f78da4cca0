// murder fleet: the frame of its tasks.
#pragma once

#include <CLI/App.hpp>

#include "cli/command.h"

namespace murder::fleet {

void add_fleet_command(CLI::App& app, cli::CommandContext& context);

// One line per file that holds tasks.
void add_hosts_task(CLI::App& fleet, cli::CommandContext& context);

}  // namespace murder::fleet
