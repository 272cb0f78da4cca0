#include "cli/commands/command_list.h"

#include <algorithm>
#include <array>

#include "cli/commands/relay.h"
#include "cli/fleet/fleet.h"

namespace murder::cli {
namespace {

struct NamedCommand {
  std::string_view name;
  void (*add)(ArgumentParser app, CommandContext& context);
};

// In the order of the help text.
constexpr std::array named_commands = {
    NamedCommand{"tracker", add_tracker_command},
    NamedCommand{"create", add_create_command},
    NamedCommand{"sign", add_sign_command},
    NamedCommand{"seed", add_seed_command},
    NamedCommand{"peer", add_peer_command},
    NamedCommand{"wait", add_wait_command},
    NamedCommand{"agent", add_agent_command},
    NamedCommand{"info", add_info_command},
    NamedCommand{"verify", add_verify_command},
    NamedCommand{"status", add_status_command},
    NamedCommand{"stop", add_stop_command},
    NamedCommand{"clean", add_clean_command},
    NamedCommand{"activate", add_activate_command},
    NamedCommand{"releases", add_releases_command},
    NamedCommand{"lock", add_lock_command},
    NamedCommand{"unlock", add_unlock_command},
    NamedCommand{"finish", add_finish_command},
    NamedCommand{"receive", add_receive_command},
    NamedCommand{"coordinate", add_coordinate_command},
    NamedCommand{"relay", add_relay_command},
    NamedCommand{"key", add_key_command},
    NamedCommand{"state", add_state_command},
    NamedCommand{"simulate", add_simulate_command},
    NamedCommand{"doctor", add_doctor_command},
    NamedCommand{"tune", add_tune_command},
    NamedCommand{"deploy", fleet::add_deploy_command},
    NamedCommand{"rollback", fleet::add_rollback_command},
    NamedCommand{"fleet", fleet::add_fleet_command},
    NamedCommand{"release", add_release_command},
    NamedCommand{"rollout", add_rollout_command},
    NamedCommand{"agents", add_agents_command},
    NamedCommand{"audit", add_audit_command},
};

}  // namespace

void add_commands(ArgumentParser app, CommandContext& context, std::string_view first_argument) {
  const auto* const named =
      std::find_if(named_commands.begin(), named_commands.end(),
                   [&](const NamedCommand& command) { return command.name == first_argument; });
  if (named != named_commands.end()) {
    named->add(app, context);
    return;
  }
  for (const NamedCommand& command : named_commands) {
    command.add(app, context);
  }
}

}  // namespace murder::cli
