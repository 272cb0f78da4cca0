// murder status: what runs on this host.
#include "cli/command.h"
#include "cli/commands.h"

namespace murder::cli {
namespace {

struct StatusOptions {
  std::string tag;
};

Result<int> run_status(const StatusOptions& options, CommandContext& context) {
  (void)options;
  context.print("nothing runs here");
  return exit_done;
}

}  // namespace

void add_status_command(CLI::App& app, CommandContext& context) {
  auto [command, options] =
      add_command<StatusOptions>(app, context,
                                 {
                                     .name = "status",
                                     .description = "Show the murder processes of this host",
                                     .example = "murder status\nmurder status v42 --json",
                                 },
                                 run_status);
  command.add_option("TAG", options.tag, "Only processes of this release");
}

}  // namespace murder::cli
