// murder agents: the hosts that a coordinator knows.
#include <fmt/format.h>

#include "cli/commands/command_list.h"
#include "cli/control/answer_text.h"
#include "cli/control/manual_items.h"
#include "cli/control/open_coordinator.h"
#include "engine/base/printable.h"

namespace murder::cli {
namespace {

struct AgentsOptions {
  std::string group;
  std::string app;
  std::string not_at;
  std::string forget;
  CoordinatorOptions coordinator;
};

Result<int> forget_agent(CoordinatorClient& client, const std::string& host,
                         const CommandContext& context) {
  const Result<Json> answer = client.post(
      control_target("/control/agents/forget", {{"host", host}}), {{"by", operator_name()}});
  if (!answer) {
    return fail(answer.error());
  }
  context.print(fmt::format("{} is forgotten: an agent with another key may come with this name",
                            printable_value(host)));
  context.print_json(*answer);
  return exit_done;
}

Result<int> run_agents(const AgentsOptions& options, CommandContext& context) {
  if (!options.not_at.empty()) {
    if (Status valid = check_tag(options.not_at, context); !valid) {
      return fail(valid.error());
    }
  }
  const bool chooses = !options.group.empty() || !options.app.empty() || !options.not_at.empty();
  if (chooses && !options.forget.empty()) {
    return context.wrong_usage("--forget does not go with what chooses agents to be shown");
  }
  Result<CoordinatorClient> client = open_coordinator(options.coordinator, context);
  if (!client) {
    return fail(client.error());
  }
  if (!options.forget.empty()) {
    return forget_agent(*client, options.forget, context);
  }
  const Result<Json> answer = client->get(
      control_target("/control/agents",
                     {{"group", options.group}, {"app", options.app}, {"not_at", options.not_at}}));
  if (!answer) {
    return fail(answer.error());
  }
  context.print(agents_table(*answer));
  context.print_json(*answer);
  return exit_done;
}

}  // namespace

void add_agents_command(ArgumentParser app, CommandContext& context) {
  auto [command, options] = add_command<AgentsOptions>(
      app, context,
      {.name = "agents",
       .description = "Show the agents that a coordinator knows, and what their hosts run",
       .details = "Of each host: its rack and groups, whether its agent was heard within the last "
                  "90 seconds, and of each app what runs there and in what state. --not-at finds "
                  "the hosts that a rollout has not reached.\n\n"
                  "The first agent that comes with a name owns it. When a host was installed anew "
                  "and has another key, --forget lets it have its name again.",
       .example = "murder agents --group web --not-at v42",
       .environment = {coordinator_variable},
       .files = {config_file, operator_key_file},
       .see_also = {"murder-rollout(1)", "murder-release(1)", "murder-audit(1)"}},
      run_agents);
  command.add_option("--group", options.group, "Only of this group").type_name("GROUP");
  command.add_option("--app", options.app, "Only those that take this app").type_name("NAME");
  command.add_option("--not-at", options.not_at, "Only those that do not run this release")
      .type_name("TAG");
  command.add_option("--forget", options.forget, "Let another agent have this host's name")
      .type_name("HOST");
  add_coordinator_options(command, options.coordinator);
}

}  // namespace murder::cli
