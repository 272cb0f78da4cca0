// murder fleet: the frame of its tasks.
#pragma once

#include "cli/ui/command.h"

namespace murder::fleet {

void add_fleet_command(cli::ArgumentParser app, cli::CommandContext& context);

// One line per file that holds tasks.
void add_hosts_task(cli::ArgumentParser fleet, cli::CommandContext& context);
void add_release_tasks(cli::ArgumentParser fleet, cli::CommandContext& context);
void add_releases_tasks(cli::ArgumentParser fleet, cli::CommandContext& context);
void add_stop_tracker_task(cli::ArgumentParser fleet, cli::CommandContext& context);
void add_simple_tasks(cli::ArgumentParser fleet, cli::CommandContext& context);

void add_deploy_command(cli::ArgumentParser app, cli::CommandContext& context);
void add_rollback_command(cli::ArgumentParser app, cli::CommandContext& context);

}  // namespace murder::fleet
