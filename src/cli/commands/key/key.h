// The tasks of `murder key`, each in a file of this folder.
#pragma once

#include "cli/ui/command.h"
#include "engine/trust/fleet_key.h"

namespace murder::cli {

void add_add_signer_task(ArgumentParser key, CommandContext& context);
void add_fleet_key_tasks(ArgumentParser key, CommandContext& context);
void add_list_signers_task(ArgumentParser key, CommandContext& context);
void add_test_signature_task(ArgumentParser key, CommandContext& context);
void add_tracker_key_tasks(ArgumentParser key, CommandContext& context);

[[nodiscard]] Result<int> print_new_key(trust::KeyKind kind, const CommandContext& context);

}  // namespace murder::cli
