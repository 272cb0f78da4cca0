// Options of `murder create` and `murder peer` that tasks and deploys take and pass on to hosts.
#pragma once

#include "cli/fleet/plan/remote_command.h"
#include "cli/ui/tree_options.h"

namespace murder::fleet {

void pass_on(const cli::PackingOptions& options, CommandLine& create);
void pass_on(const cli::PlacingOptions& options, CommandLine& peer);

}  // namespace murder::fleet
