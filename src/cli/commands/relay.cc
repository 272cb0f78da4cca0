// murder relay: the other end of `murder agent --stdio`.
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <optional>
#include <string>
#include <utility>

#include "cli/commands/relay.h"
#include "cli/control/link_relay.h"
#include "cli/control/relay_channels.h"
#include "cli/ui/command.h"
#include "cli/ui/standard_output.h"
#include "engine/base/fd.h"
#include "tracker/tracker_server.h"

namespace murder::cli {
namespace {

struct RelayOptions {
  std::string coordinator = "127.0.0.1:8998";
  bool channels = false;
};

Result<int> run_relay(const RelayOptions& options, CommandContext& context) {
  const std::optional<HostPort> place = HostPort::parse(options.coordinator, tracker::port_default);
  if (!place || place->host.empty() || place->port == 0) {
    return context.wrong_usage("--coordinator: write HOST:PORT");
  }
  Fd output(take_standard_output());
  if (!output.is_open()) {
    return fail_errno(errno, "standard output cannot be used");
  }
  if (options.channels) {
    const Status done = relay_channels({.coordinator = *place,
                                        .input = Fd(fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0)),
                                        .output = std::move(output)});
    return done ? Result<int>(exit_done) : fail(done.error());
  }
  const Status done =
      relay_link({.coordinator = *place, .input = STDIN_FILENO, .output = output.get()});
  return done ? Result<int>(exit_done) : fail(done.error());
}

}  // namespace

void add_relay_command(ArgumentParser app, CommandContext& context) {
  auto [command, options] = add_command<RelayOptions>(
      app, context,
      {.name = "relay",
       .description = "Pass what an agent says on standard input on to a coordinator",
       .details =
           "The other end of `murder agent --once --stdio`, for a host that does not reach its "
           "coordinator: what that agent writes comes here on standard input, and standard output "
           "goes back to it. It runs where the coordinator is reached: on the machine that has "
           "logged in to both, or over ssh on the coordinator's own host.\n\n"
           "Only the link of one agent passes, and announces and torrents that its host asks for: "
           "no orders. A coordinator that is lost is connected to again. It ends when standard "
           "input does. In a closed fleet the agent and the coordinator prove the fleet's key to "
           "each "
           "other through it, so it has no key and changes nothing unseen.",
       .example = "murder relay --coordinator t1:8998",
       .see_also = {"murder-agent(1)", "murder-tracker(1)"},
       .has_telling_exit_code = true},
      run_relay);
  command
      .add_option("--coordinator", options.coordinator,
                  "Where the coordinator is; without a port: 8998")
      .type_name("HOST:PORT")
      .show_default();
  command.add_flag("--channels", options.channels,
                   "Pass on many agents, each in a channel of standard input and output: what "
                   "`murder deploy` starts on the coordinator's host for hosts that do not reach "
                   "it");
}

}  // namespace murder::cli
