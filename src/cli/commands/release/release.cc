// murder release: what a coordinator can roll out.
#include "cli/commands/release/release.h"

#include "cli/commands/command_list.h"
#include "cli/control/manual_items.h"

namespace murder::cli {

void add_release_command(ArgumentParser app, CommandContext& context) {
  ArgumentParser release = add_bare_command(
      app, context,
      {.name = "release",
       .description = "Publish releases at a coordinator, show and revoke them",
       .details = "A release is a tag of an app. It is published once; then any operator can roll "
                  "it out with `murder rollout start`.\n\n"
                  "Each task has its own options: `murder release publish --help`.",
       .example = "murder release publish ./build --app shop --tag v42 --coordinator t1:8998\n"
                  "murder release list\n"
                  "murder release revoke shop v41",
       .environment = {coordinator_variable},
       .files = {config_file, operator_key_file},
       .see_also = {"murder-rollout(1)", "murder-agents(1)", "murder-audit(1)", "murder-tracker(1)",
                    "murder-key(1)"}});
  release.require_subcommand();
  add_publish_task(release, context);
  add_known_release_tasks(release, context);
}

}  // namespace murder::cli
