// murder key new-operator and viewer: what trackers know besides the fleet key.
#include <fmt/format.h>

#include "cli/commands/key/key.h"
#include "engine/host/fleet_key_file.h"

namespace murder::cli {
namespace {

struct NewOperatorOptions {};

struct ViewerOptions {
  std::string path;
};

Result<int> run_new_operator(const NewOperatorOptions&, CommandContext& context) {
  return print_new_key(trust::KeyKind::opener, context);
}

Result<int> run_viewer(const ViewerOptions& options, CommandContext& context) {
  const std::string path = options.path.empty() ? host::fleet_key_path() : options.path;
  const Result<trust::FleetKeys> keys = host::read_fleet_keys(path);
  if (!keys) {
    return fail(keys.error());
  }
  const std::string text =
      trust::key_text(trust::KeyKind::viewer, trust::viewer_secret(keys->fleet.first()));
  context.print(text);
  context.print_json({{"key", text}});
  return exit_done;
}

}  // namespace

void add_tracker_key_tasks(ArgumentParser key, CommandContext& context) {
  add_command<NewOperatorOptions>(
      key, context,
      {.name = "new-operator",
       .description = "Print a new key for those who open releases and order rollouts",
       .details = "It is a further line in the key file of the trackers, and in that of hosts "
                  "that seed. A tracker that has it accepts a release that it does not know from "
                  "these hosts alone; without it, from every host that has the fleet key.\n\n"
                  "A coordinator that has it takes orders (`murder release`, `murder rollout`, "
                  "`murder agents`) from those alone whose key file has it, too; agents need the "
                  "fleet key only.",
       .example = "murder key new-operator >> /etc/murder/fleet.key",
       .see_also = {"murder-tracker(1)", "murder-seed(1)", "murder-rollout(1)"}},
      run_new_operator);
  auto [viewer, options] = add_command<ViewerOptions>(
      key, context,
      {.name = "viewer",
       .description = "Print the key for reading the pages of closed trackers",
       .details = "It is derived from the first fleet key of the file, so trackers know it. It "
                  "lets its holder read `/`, `/status.json` and `/metrics`, and nothing else: in a "
                  "browser as `http://HOST:8998/?viewer=KEY`, for programs in the header "
                  "`Authorization: Bearer KEY`. It ends with the fleet key.",
       .example = "murder key viewer",
       .see_also = {"murder-tracker(1)"}},
      run_viewer);
  viewer.add_option("--fleet-key", options.path, "Default: /etc/murder/fleet.key")
      .type_name("FILE");
}

}  // namespace murder::cli
