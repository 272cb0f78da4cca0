// The tasks of `murder release`, each in a file of this folder.
#pragma once

#include "cli/ui/command.h"

namespace murder::cli {

void add_publish_task(ArgumentParser release, CommandContext& context);
void add_known_release_tasks(ArgumentParser release, CommandContext& context);

}  // namespace murder::cli
