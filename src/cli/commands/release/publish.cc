// murder release publish.
#include "cli/control/publish.h"

#include <fmt/format.h>

#include "cli/commands/release/release.h"
#include "cli/control/answer_text.h"
#include "cli/control/manual_items.h"
#include "cli/control/open_coordinator.h"

namespace murder::cli {
namespace {

Result<int> run_publish(const PublishOptions& options, CommandContext& context) {
  if (Status valid = check_app(options.app, context); !valid) {
    return fail(valid.error());
  }
  if (Status valid = check_tag(options.tag, context); !valid) {
    return fail(valid.error());
  }
  Result<CoordinatorClient> client = open_coordinator(options.coordinator, context);
  if (!client) {
    return fail(client.error());
  }
  const Result<Json> release = publish_release(*client, options, context);
  if (!release) {
    return fail(release.error());
  }
  for (const std::string& line : release_lines(*release)) {
    context.print(line);
  }
  context.print_json(*release);
  return exit_done;
}

}  // namespace

void add_publish_task(ArgumentParser release, CommandContext& context) {
  auto [command, options] = add_command<PublishOptions>(
      release, context,
      {.name = "publish",
       .description = "Make a release known to a coordinator, and give it a copy",
       .details = "SOURCE is packed as `murder-create`(1) does it (a torrent with its archive "
                  "beside it is taken as it is), and served from this machine until the "
                  "coordinator's host has a whole copy. After that this machine is not needed. "
                  "Nothing is activated anywhere before `murder rollout start`.\n\n"
                  "A tag is published once: with the same content again the command succeeds, and "
                  "finishes what an interrupted one left; other content is refused.\n\n"
                  "The coordinator's host connects to this machine: --peer-port names the ports "
                  "that a firewall should let through. With --coordinator ssh://HOST the command "
                  "runs there, so SOURCE is a path of that host. At a closed coordinator the key "
                  "file needs the fleet key besides the operator key, since this machine takes "
                  "part in the swarm.",
       .example = "murder release publish ./build --app shop --tag v42 --coordinator t1:8998",
       .environment = {coordinator_variable},
       .files = {config_file, operator_key_file, temp_files},
       .see_also = {"murder-rollout-start(1)", "murder-create(1)", "murder-sign(1)"},
       .has_telling_exit_code = true},
      run_publish);
  command.add_option("SOURCE", options.source, "The directory or file, or a .torrent")
      .required()
      .completes(ValueKind::path);
  command.add_option("--app", options.app, "What it is a release of").type_name("NAME").required();
  command.add_option("--tag", options.tag, "The name of the release").type_name("TAG").required();
  add_serial_option(
      command, options.signing,
      "Hosts refuse a lower one than they run (default: one more than the highest of the\n"
      "app; if it is signed, the time in seconds)");
  add_sign_option(command, options.signing,
                  "Sign it, with the private key of this file or the public one of a key that the\n"
                  "ssh-agent has (default: sign_key of murder.toml, else the first key of the\n"
                  "agent). Without KEY it does not stand right before SOURCE");
  command.add_duration("--expires", options.signing.expires_after,
                       "Signed: hosts refuse it after this time, such as 30d (default: never)");
  command.add_option("--temp-path", options.temp_path, "Where it is packed, for the time of this")
      .type_name("DIR")
      .show_default();
  command
      .add_option("--hosts-expected", options.hosts_expected,
                  "How many hosts will take it: more pieces for more hosts")
      .in_range(1, archive::hosts_expected_max)
      .type_name("N")
      .show_default();
  add_packing_options(command, options.packing);
  add_xattrs_option(command, options.packing.xattrs);
  command
      .add_option("--ip", options.ip,
                  "This machine's address for the coordinator's host; default: the one its\n"
                  "connection to the tracker leaves from")
      .type_name("ADDRESS");
  command
      .add_option("--peer-port", options.ports,
                  "TCP port to serve it from, or a range (51000-51099); default: any free one")
      .type_name("RANGE");
  command.add_flag("--open", options.is_open,
                   "Serve it to everybody, and use no key: for a coordinator that is open");
  add_coordinator_options(command, options.coordinator);
}

}  // namespace murder::cli
