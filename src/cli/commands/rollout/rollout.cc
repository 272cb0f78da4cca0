// murder rollout: a release gets onto the hosts of a fleet, and is taken back.
#include "cli/commands/rollout/rollout.h"

#include "cli/commands/command_list.h"
#include "cli/control/manual_items.h"

namespace murder::cli {

void add_rollout_command(ArgumentParser app, CommandContext& context) {
  ArgumentParser rollout = add_bare_command(
      app, context,
      {.name = "rollout",
       .description = "Roll a release out to the hosts of a fleet by their agents",
       .details = "A rollout belongs to the coordinator: it goes on when this command, its "
                  "terminal or this machine is gone, and any operator can pause, resume, abort or "
                  "undo it from any machine. An app has one rollout at a time; the latest one "
                  "says what hosts should run, also those that come back later.\n\n"
                  "Each task has its own options: `murder rollout start --help`. Only `start` and "
                  "`status --watch`, which follow a rollout, end with 3 and more.",
       .example = "murder rollout start shop v42 --groups web --waves 1,10%,50%,100% --bake 30s\n"
                  "murder rollout status --watch\n"
                  "murder rollout undo shop",
       .exit_statuses = follow_exit_statuses(),
       .environment = {coordinator_variable},
       .files = {config_file, operator_key_file},
       .see_also = {"murder-release(1)", "murder-agents(1)", "murder-audit(1)",
                    "murder-tracker(1)"}});
  rollout.require_subcommand();
  add_start_task(rollout, context);
  add_rollout_status_task(rollout, context);
  add_order_tasks(rollout, context);
  add_history_task(rollout, context);
}

std::vector<ManualItem> follow_exit_statuses() {
  return {
      {"0", "The rollout is done; or it was not followed, and has begun."},
      {"1", "It was refused, or no coordinator answers."},
      {"2", "The command line or a configuration file is wrong."},
      {"3", "It is held: too many hosts failed, or the release is revoked. An operator decides."},
      {"4", "It was aborted."},
      {"5", "It was undone, or went back by itself."},
      {"6", "It goes on, or is paused: the command was asked to leave it."},
      {"128+N", "Signal N ended the command; the rollout goes on."}};
}

}  // namespace murder::cli
