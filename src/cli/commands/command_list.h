// The list of commands: each file of this folder that holds a command has one line here and one in
// commands.cc.
#pragma once

#include "cli/ui/command.h"

namespace murder::cli {

inline constexpr const char* program_purpose =
    "murder copies a release to every host of a fleet over BitTorrent.";

void add_activate_command(ArgumentParser app, CommandContext& context);
void add_agent_command(ArgumentParser app, CommandContext& context);
void add_agents_command(ArgumentParser app, CommandContext& context);
void add_audit_command(ArgumentParser app, CommandContext& context);
void add_clean_command(ArgumentParser app, CommandContext& context);
void add_coordinate_command(ArgumentParser app, CommandContext& context);
void add_create_command(ArgumentParser app, CommandContext& context);
void add_doctor_command(ArgumentParser app, CommandContext& context);
void add_finish_command(ArgumentParser app, CommandContext& context);
void add_info_command(ArgumentParser app, CommandContext& context);
void add_key_command(ArgumentParser app, CommandContext& context);
void add_lock_command(ArgumentParser app, CommandContext& context);
void add_peer_command(ArgumentParser app, CommandContext& context);
void add_receive_command(ArgumentParser app, CommandContext& context);
void add_release_command(ArgumentParser app, CommandContext& context);
void add_releases_command(ArgumentParser app, CommandContext& context);
void add_rollout_command(ArgumentParser app, CommandContext& context);
void add_seed_command(ArgumentParser app, CommandContext& context);
void add_sign_command(ArgumentParser app, CommandContext& context);
void add_simulate_command(ArgumentParser app, CommandContext& context);
void add_state_command(ArgumentParser app, CommandContext& context);
void add_status_command(ArgumentParser app, CommandContext& context);
void add_stop_command(ArgumentParser app, CommandContext& context);
void add_tracker_command(ArgumentParser app, CommandContext& context);
void add_tune_command(ArgumentParser app, CommandContext& context);
void add_unlock_command(ArgumentParser app, CommandContext& context);
void add_verify_command(ArgumentParser app, CommandContext& context);
void add_wait_command(ArgumentParser app, CommandContext& context);

// All of them and those of fleets, in the order `murder --help` shows them; only one if that is
// what the command line begins with, since to describe all takes longer than a small release.
void add_commands(ArgumentParser app, CommandContext& context, std::string_view first_argument);

}  // namespace murder::cli
