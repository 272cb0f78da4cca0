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
  std::string approve;
  std::string identity;
  bool shows_waiting = false;
  bool is_forced = false;
  CoordinatorOptions coordinator;
};

// Why forgetting this host does not do what its operator may expect; empty: it does.
std::string why_not_forget(CoordinatorClient& client, const std::string& host) {
  const Result<Json> agents = client.get("/control/agents");
  for (const Json& agent : agents ? (*agents)["agents"] : Json()) {
    const bool is_here = agent["connected"] == Json(true) || agent["present"] == Json(true);
    if (is_here && text_member(agent, "host") == host) {
      return "its agent is running, and comes back with this name by itself: end it first";
    }
  }
  const Result<Json> rollouts = client.get("/control/rollouts");
  for (const Json& rollout : rollouts ? (*rollouts)["rollouts"] : Json()) {
    for (const Json& target : rollout["unsettled"]) {
      const std::string stage = text_member(target, "stage");
      if (text_member(target, "host") == host && (stage == "told" || stage == "back-told")) {
        return fmt::format(
            "the rollout of {} {} told it and waits for it: forgotten, it counts as none of its "
            "hosts, and an undo returns it only when it comes back with this name",
            printable_value(text_member(rollout, "app")),
            printable_value(text_member(rollout, "tag")));
      }
    }
  }
  return {};
}

Result<int> forget_agent(CoordinatorClient& client, const std::string& host, bool is_forced,
                         const CommandContext& context) {
  const std::string why_not = is_forced ? "" : why_not_forget(client, host);
  if (!why_not.empty()) {
    return fail(ErrorCode::conflict,
                fmt::format("{} is not forgotten: {} (--force does it nevertheless)",
                            printable_value(host), why_not));
  }
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

Result<int> approve_agent(CoordinatorClient& client, const AgentsOptions& options,
                          const CommandContext& context) {
  const Result<Json> answer =
      client.post(control_target("/control/agents/approve",
                                 {{"host", options.approve}, {"identity", options.identity}}),
                  {{"by", operator_name()}});
  if (!answer) {
    return fail(answer.error());
  }
  context.print(fmt::format("{} may come with the key {}", printable_value(options.approve),
                            printable_value(text_member(*answer, "identity"))));
  context.print_json(*answer);
  return exit_done;
}

Result<int> show_waiting(CoordinatorClient& client, const CommandContext& context) {
  const Result<Json> answer = client.get("/control/agents/waiting");
  if (!answer) {
    return fail(answer.error());
  }
  context.print(waiting_table(*answer));
  context.print_json(*answer);
  return exit_done;
}

// Of each host what it says of this app, and of no other.
Json only_app(const Json& answer, const std::string& name) {
  Json agents = Json::array();
  for (Json agent : answer["agents"]) {
    Json apps = Json::array();
    for (const Json& app : agent["apps"]) {
      if (text_member(app, "app") == name) {
        apps.push_back(app);
      }
    }
    agent["apps"] = apps;
    agents.push_back(agent);
  }
  Json only = answer;
  only["agents"] = agents;
  return only;
}

Result<int> show_agents(CoordinatorClient& client, const AgentsOptions& options,
                        const CommandContext& context) {
  Result<Json> answer = client.get(
      control_target("/control/agents",
                     {{"group", options.group}, {"app", options.app}, {"not_at", options.not_at}}));
  if (!answer) {
    return fail(answer.error());
  }
  if (!options.app.empty()) {
    *answer = only_app(*answer, options.app);
  }
  context.print(agents_table(*answer));
  if (!options.not_at.empty() && (*answer)["agents"].size() == 0) {
    context.note(
        fmt::format("each of the agents that these options choose runs {}, or there is "
                    "none: `murder agents` shows all",
                    printable_value(options.not_at)));
  }
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
  const int others = int{!options.forget.empty()} + int{!options.approve.empty()} +
                     int{options.shows_waiting} + int{chooses};
  if (others > 1) {
    return context.wrong_usage(
        "--forget, --approve, --waiting and what chooses agents do not go together");
  }
  if (!options.identity.empty() && options.approve.empty()) {
    return context.wrong_usage("--identity goes with --approve");
  }
  if (options.is_forced && options.forget.empty()) {
    return context.wrong_usage("--force goes with --forget");
  }
  Result<CoordinatorClient> client = open_coordinator(options.coordinator, context);
  if (!client) {
    return fail(client.error());
  }
  if (!options.forget.empty()) {
    return forget_agent(*client, options.forget, options.is_forced, context);
  }
  if (!options.approve.empty()) {
    return approve_agent(*client, options, context);
  }
  if (options.shows_waiting) {
    return show_waiting(*client, context);
  }
  return show_agents(*client, options, context);
}

}  // namespace

void add_agents_command(ArgumentParser app, CommandContext& context) {
  auto [command, options] = add_command<AgentsOptions>(
      app, context,
      {.name = "agents",
       .description = "Show the agents that a coordinator knows, and what their hosts run",
       .details =
           "Of each host: its rack and groups, whether its agent was heard within the last "
           "90 seconds, and of each app what runs there and in what state. --not-at finds "
           "the hosts that a rollout has not reached.\n\n"
           "The first agent that comes with a name owns it. When a host was installed anew "
           "and has another key, --forget lets it have its name again. A host whose agent is "
           "running is not forgotten, except with --force: it would come back by itself. A "
           "coordinator that "
           "takes new hosts only when an operator approved them shows those that wait with "
           "--waiting; compare the key with that of the host before --approve.",
       .example = "murder agents --group web --not-at v42",
       .environment = {coordinator_variable},
       .files = {config_file, operator_key_file},
       .see_also = {"murder-rollout(1)", "murder-release(1)", "murder-audit(1)"}},
      run_agents);
  command.add_option("--group", options.group, "Only of this group").type_name("GROUP");
  command
      .add_option("--app", options.app,
                  "Only those that take this app, and only what they say of it")
      .type_name("NAME");
  command
      .add_option("--not-at", options.not_at,
                  "Only those that do not run this release (with --app: of that app)")
      .type_name("TAG");
  command.add_option("--forget", options.forget, "Let another agent have this host's name")
      .type_name("HOST");
  command.add_flag(
      "--force", options.is_forced,
      "With --forget: also a host whose agent is running, or that a rollout waits for");
  command.add_flag("--waiting", options.shows_waiting,
                   "Show the hosts that wait to be approved, and their keys");
  command.add_option("--approve", options.approve, "Let this host take part, which waits for it")
      .type_name("HOST");
  command
      .add_option("--identity", options.identity,
                  "With --approve: only if it waits with this key (SHA256:...)")
      .type_name("KEY");
  add_coordinator_options(command, options.coordinator);
}

}  // namespace murder::cli
