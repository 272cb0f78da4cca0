// The tasks of `murder rollout`, each in a file of this folder.
#pragma once

#include <string>
#include <vector>

#include "cli/ui/command.h"

namespace murder::cli {

void add_start_task(ArgumentParser rollout, CommandContext& context);
void add_rollout_status_task(ArgumentParser rollout, CommandContext& context);
void add_history_task(ArgumentParser rollout, CommandContext& context);
void add_order_tasks(ArgumentParser rollout, CommandContext& context);

[[nodiscard]] std::vector<ManualItem> follow_exit_statuses();

}  // namespace murder::cli
