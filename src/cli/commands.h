// The list of commands: each file of this folder that holds a command has one line here and one in
// commands.cc.
#pragma once

#include <CLI/App.hpp>

#include "cli/command.h"

namespace murder::cli {

void add_create_command(CLI::App& app, CommandContext& context);
void add_doctor_command(CLI::App& app, CommandContext& context);
void add_info_command(CLI::App& app, CommandContext& context);
void add_peer_command(CLI::App& app, CommandContext& context);
void add_seed_command(CLI::App& app, CommandContext& context);
void add_status_command(CLI::App& app, CommandContext& context);
void add_stop_command(CLI::App& app, CommandContext& context);
void add_tracker_command(CLI::App& app, CommandContext& context);
void add_verify_command(CLI::App& app, CommandContext& context);

// All of the above, in the order `murder --help` shows them.
void add_all_commands(CLI::App& app, CommandContext& context);

}  // namespace murder::cli
