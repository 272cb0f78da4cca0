#include "cli/fleet/fleet.h"

namespace murder::fleet {

void add_fleet_command(cli::ArgumentParser app, cli::CommandContext& context) {
  cli::ArgumentParser fleet = cli::add_bare_command(
      app, context,
      {.name = "fleet",
       .description = "Do one step on the hosts of a fleet, over ssh",
       .details = "The tasks are the steps of `murder deploy`, one by one, under the names "
                  "they had in Twitter's Murder. Options may be written in its way as well, "
                  "without dashes: `tag=v42` for `--tag v42`, `destination_path=/srv/app` for "
                  "`--to /srv/app`. TEMP stands for the temporary directory: --temp-path, the "
                  "environment variable `temp_path`, `default_temp_path` of `murder.toml`, or "
                  "`/tmp`.\n\n"
                  "A release by hand, in the order of the steps:\n\n"
                  "  murder fleet distribute-files\n"
                  "  murder fleet start-tracker\n"
                  "  murder fleet create-torrent tag=v42 files_path=/srv/build\n"
                  "  murder fleet start-seeding tag=v42\n"
                  "  murder fleet peer tag=v42 destination_path=/srv/app\n"
                  "  murder fleet stop-seeding tag=v42\n"
                  "  murder fleet stop-tracker\n"
                  "  murder fleet clean-temp-files tag=v42",
       .example = "murder fleet hosts\nmurder fleet --help\nmurder fleet peer --help",
       .exit_statuses = {{"0", "It was done on all hosts."},
                         {"1", "It was done on none."},
                         {"2", "The command line or a configuration file is wrong."},
                         {"3", "It was done on some hosts."},
                         {"130", "It was interrupted."}},
       .environment = {{"MURDER_SSH", "The command in place of `ssh`, where --ssh is not given."},
                       {"temp_path", "The temporary directory, where --temp-path is not given."}},
       .files = {cli::config_file, {"/opt/murder/murder", "The program on the hosts."}},
       .see_also = {"murder-deploy(1)", "murder-rollback(1)"}});
  fleet.require_subcommand();
  add_hosts_task(fleet, context);
  add_release_tasks(fleet, context);
  add_releases_tasks(fleet, context);
  add_stop_tracker_task(fleet, context);
  add_simple_tasks(fleet, context);
}

}  // namespace murder::fleet
