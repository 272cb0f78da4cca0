// murder coordinate: the part of a deploy that goes on at its coordinator's host.
#include <unistd.h>

#include <csignal>
#include <optional>

#include "cli/commands/command_list.h"
#include "cli/commands/coordinate/deploy_director.h"
#include "cli/commands/coordinate/line_input.h"
#include "cli/ui/command.h"
#include "cli/ui/path_word.h"
#include "engine/base/tag.h"
#include "engine/trust/fleet_key.h"

namespace murder::cli {
namespace {

struct CoordinateOptions {
  HoldOptions hold;
  std::string temp_path = "/tmp";
  bool has_keys = false;
};

constexpr Duration keys_wait_max = std::chrono::minutes(1);

// It outlives the session that started it: a hangup is not a reason to end.
void leave_session() {
  static_cast<void>(setsid());
  std::signal(SIGHUP, SIG_IGN);
}

struct DeployKeys {
  std::string lines;
  trust::FleetKeys keys;
};

// In front of all else that comes: {"keys": LINES}.
Result<std::optional<DeployKeys>> keys_of(const CoordinateOptions& options, LineInput& input) {
  if (!options.has_keys) {
    return std::nullopt;
  }
  const Result<Json> told = input.wait_for_first(keys_wait_max);
  if (!told) {
    return fail(told.error());
  }
  DeployKeys keys{.lines = text_member(*told, "keys"), .keys = {}};
  const Result<trust::FleetKeys> parsed = trust::parse_fleet_keys(keys.lines, "standard input");
  if (!parsed) {
    return fail(parsed.error());
  }
  keys.keys = *parsed;
  return keys;
}

Result<CoordinatorClient> client_of(uint16_t port, const std::optional<DeployKeys>& keys) {
  const codec::ServerPlace place{{.host = "127.0.0.1", .port = port}};
  return keys ? CoordinatorClient::with_keys(place, keys->keys)
              : CoordinatorClient::open({}, {.coordinators = {place}});
}

Result<int> run_coordinate(const CoordinateOptions& options, CommandContext& context) {
  if (Status valid = validate_tag(options.hold.tag); !valid) {
    return context.wrong_usage(valid.error().text);
  }
  leave_session();
  context.has_other_work = true;
  LineInput input;
  const Result<std::optional<DeployKeys>> keys = keys_of(options, input);
  if (!keys) {
    return fail(keys.error());
  }
  HoldOptions held = options.hold;
  held.key_lines = *keys ? (*keys)->lines : "";
  Result<DeployHold> hold = DeployHold::open(std::move(held), context.run_directory);
  if (!hold) {
    return fail(hold.error());
  }
  if (hold->must_leave_port()) {
    context.print_json({{"state", fleet::coordinate_port_taken}});
    return exit_failed;
  }
  const Result<host::LockReply> taken = hold->take();
  if (!taken) {
    return fail(taken.error());
  }
  Json told = DeployHold::json_of(*taken, hold->processes());
  if (taken->state != host::LockState::held) {
    context.print_json(told);
    return exit_failed;
  }
  Status started = hold->start_coordinator();
  if (!started && started.error().code == ErrorCode::exists) {
    static_cast<void>(hold->give_back(""));
    context.print_json({{"state", fleet::coordinate_port_taken}, {"reason", started.error().text}});
    return exit_failed;
  }
  Result<CoordinatorClient> client = started ? client_of(hold->coordinator_port(), *keys)
                                             : Result<CoordinatorClient>(fail(started.error()));
  if (!client) {
    static_cast<void>(hold->give_back(""));
    return fail(client.error());
  }
  told["coordinator_port"] = hold->coordinator_port();
  told["resumed"] = hold->is_resumed();
  context.print_json(told);
  return DeployDirector(options.hold, clean_path(options.temp_path), std::move(*hold),
                        std::move(*client), std::move(input), context)
      .run();
}

}  // namespace

void add_coordinate_command(ArgumentParser app, CommandContext& context) {
  auto [command, options] = add_command<CoordinateOptions>(
      app, context,
      {.name = "coordinate",
       .description =
           "Used by murder deploy: rolls a release out from this host, and goes on when\n"
           "the deploy's machine is gone",
       .details = "A deploy in waves, or with health checks, runs this on the host of its seeder. "
                  "It takes the lock of the deploy, starts a coordinator to which the agents of "
                  "all hosts connect, and reads from standard input what is to be rolled out. "
                  "From then on it needs nobody: it follows the rollout to its end, has the "
                  "agents end, stops what the deploy started, and removes its archives. This "
                  "command is not meant to be run by hand.",
       .example = "murder coordinate v42 --app /srv/app --token 1 --owner alice@laptop --json",
       .see_also = {"murder-deploy(1)", "murder-lock(1)", "murder-agent(1)"},
       .has_telling_exit_code = true},
      run_coordinate);
  HoldOptions& hold = options.hold;
  command.add_option("TAG", hold.tag, "The release").required();
  command.add_option("--app", hold.app, "The directory of releases").required();
  command.add_option("--token", hold.token, "Names the deploy").required();
  command.add_option("--owner", hold.owner, "Who deploys: user@host").required();
  command.add_option("--origin", hold.origin, "The process that deploys");
  command.add_option("--port", hold.port, "Of the fleet's tracker; another one where it is taken")
      .in_range(1, 65535);
  command.add_option("--temp-path", options.temp_path, "Where the archive is")
      .type_name("DIR")
      .show_default();
  command.add_flag("--with-key", options.has_keys,
                   "The first line of standard input has the keys of the deploy, for the "
                   "coordinator here");
  command.add_flag("--port-or-end", hold.has_other_way, "End where that port is taken");
  command.add_flag("--wait-for-port", hold.waits_for_port,
                   "Wait until the coordinator of the deploy that is replaced has ended");
  command.add_option("--replace", hold.replaced, "The token of a deploy that is gone");
  command.add_option("--take-over", hold.ousted,
                     "The token of a deploy that may be at work: it ends when it hears of this");
}

}  // namespace murder::cli
