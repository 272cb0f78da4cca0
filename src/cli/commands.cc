#include "cli/commands.h"

namespace murder::cli {

void add_all_commands(CLI::App& app, CommandContext& context) {
  add_doctor_command(app, context);
}

}  // namespace murder::cli
