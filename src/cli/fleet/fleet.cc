#include "cli/fleet/fleet.h"

namespace murder::fleet {

void add_fleet_command(CLI::App& app, cli::CommandContext& context) {
  CLI::App& fleet = cli::add_bare_command(
      app, context,
      {.name = "fleet",
       .description = "Do one step on the hosts of a fleet, over ssh",
       .example = "murder fleet hosts\nmurder fleet --help\nmurder fleet peer --help"});
  fleet.require_subcommand(1);
  add_hosts_task(fleet, context);
}

}  // namespace murder::fleet
