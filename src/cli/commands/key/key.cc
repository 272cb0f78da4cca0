// murder key: the keys that hosts trust, and those that they prove.
#include "cli/commands/key/key.h"

#include "cli/commands/command_list.h"
#include "cli/commands/key/signer_options.h"

namespace murder::cli {

void add_key_command(ArgumentParser app, CommandContext& context) {
  ArgumentParser key = add_bare_command(
      app, context,
      {.name = "key",
       .description = "Show, test and add the keys that this host trusts; make keys of a fleet",
       .details = "Each task has its own options: `murder key add --help`.",
       .example = "murder key list\nmurder key add ann@example.net ann.pub\nmurder key --help",
       .files = {allowed_signers_file, {"/etc/murder/fleet.key", "The key of the fleet."}},
       .see_also = {"murder-sign(1)", "murder-verify(1)", "murder-seed(1)", "murder-peer(1)"}});
  key.require_subcommand();
  add_list_signers_task(key, context);
  add_test_signature_task(key, context);
  add_add_signer_task(key, context);
  add_fleet_key_tasks(key, context);
  add_tracker_key_tasks(key, context);
}

}  // namespace murder::cli
