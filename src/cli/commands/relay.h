// The command `murder relay`.
#pragma once

#include "cli/ui/command.h"

namespace murder::cli {

void add_relay_command(ArgumentParser app, CommandContext& context);

}  // namespace murder::cli
