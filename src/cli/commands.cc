#include "cli/commands.h"

namespace murder::cli {

void add_all_commands(ArgumentParser app, CommandContext& context) {
  add_tracker_command(app, context);
  add_create_command(app, context);
  add_seed_command(app, context);
  add_peer_command(app, context);
  add_wait_command(app, context);
  add_info_command(app, context);
  add_verify_command(app, context);
  add_status_command(app, context);
  add_stop_command(app, context);
  add_clean_command(app, context);
  add_activate_command(app, context);
  add_releases_command(app, context);
  add_simulate_command(app, context);
  add_doctor_command(app, context);
}

}  // namespace murder::cli
