#include "cli/fleet/fleet.h"

namespace murder::fleet {

void add_fleet_command(cli::ArgumentParser app, cli::CommandContext& context) {
  cli::ArgumentParser fleet = cli::add_bare_command(
      app, context,
      {.name = "fleet",
       .description = "Do one step on the hosts of a fleet, over ssh",
       .example = "murder fleet hosts\nmurder fleet --help\nmurder fleet peer --help"});
  fleet.require_subcommand();
  add_hosts_task(fleet, context);
  add_release_tasks(fleet, context);
  add_releases_tasks(fleet, context);
  add_stop_tracker_task(fleet, context);
  add_simple_tasks(fleet, context);
}

}  // namespace murder::fleet
