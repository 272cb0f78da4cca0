// murder rollout status and history.
#include <fmt/format.h>

#include "cli/commands/rollout/rollout.h"
#include "cli/control/answer_text.h"
#include "cli/control/manual_items.h"
#include "cli/control/open_coordinator.h"
#include "cli/control/rollout_follow.h"
#include "cli/control/rollout_orders.h"

namespace murder::cli {
namespace {

struct StatusOfRollouts {
  std::string app;
  bool watches = false;
  CoordinatorOptions coordinator;
};

struct HistoryOptions {
  std::string app;
  uint32_t most = 20;
  CoordinatorOptions coordinator;
};

constexpr uint32_t history_max = 1000;

Status check_named_app(const std::string& app, CommandContext& context) {
  return app.empty() ? Status() : check_app(app, context);
}

Result<int> run_rollout_status(const StatusOfRollouts& options, CommandContext& context) {
  if (Status valid = check_named_app(options.app, context); !valid) {
    return fail(valid.error());
  }
  Result<CoordinatorClient> client = open_coordinator(options.coordinator, context);
  if (!client) {
    return fail(client.error());
  }
  if (options.watches) {
    const Result<std::string> app = meant_app(*client, options.app);
    if (!app) {
      return fail(app.error());
    }
    // Of what is ordered at ^C; without sign_key, or a key, it is not signed.
    const Result<std::optional<OrderSigner>> signer =
        OrderSigner::open({}, options.coordinator.config_path, context);
    return follow_rollout(*client,
                          {.app = *app,
                           .number = 0,
                           .signer = signer && *signer ? &**signer : nullptr,
                           .prints_changes = context.json},
                          context);
  }
  const Result<Json> answer =
      client->get(control_target("/control/rollouts", {{"app", options.app}}));
  if (!answer) {
    return fail(answer.error());
  }
  Json told = Json::array();
  for (Json rollout : (*answer)["rollouts"]) {
    add_stage_times(*client, rollout);
    told.push_back(rollout);
    for (const std::string& line : rollout_lines(rollout, SIZE_MAX)) {
      context.print(line);
    }
  }
  if (told.size() == 0) {
    context.print(options.app.empty() ? "there was no rollout yet"
                                      : fmt::format("there was no rollout of {} yet", options.app));
  }
  context.print_json({{"rollouts", told}});
  return exit_done;
}

Result<int> run_history(const HistoryOptions& options, CommandContext& context) {
  if (Status valid = check_named_app(options.app, context); !valid) {
    return fail(valid.error());
  }
  Result<CoordinatorClient> client = open_coordinator(options.coordinator, context);
  if (!client) {
    return fail(client.error());
  }
  const Result<Json> answer = options.app.empty() ? ask_history_of_all(*client, options.most)
                                                  : ask_history(*client, options.app, options.most);
  if (!answer) {
    return fail(answer.error());
  }
  context.print(history_table(*answer));
  context.print_json(*answer);
  return exit_done;
}

}  // namespace

void add_rollout_status_task(ArgumentParser rollout, CommandContext& context) {
  auto [command, options] = add_command<StatusOfRollouts>(
      rollout, context,
      {.name = "status",
       .description = "Show how far rollouts are, and why a host is not where it should be",
       .details = "Of each app the latest rollout: its state, its hosts (each is counted once), "
                  "when each wave began, and the hosts that are not settled, with the reason. "
                  "The first 100 of these are listed.\n\n"
                  "--watch shows it until the rollout is over, and then ends with the exit "
                  "status of `murder rollout start`; with --json it prints a line for each "
                  "change.",
       .example = "murder rollout status shop --watch",
       .exit_statuses = follow_exit_statuses(),
       .see_also = {"murder-rollout-start(1)", "murder-agents(1)"}},
      run_rollout_status);
  command.add_option("APP", options.app, "Only of this app");
  command.add_flag("--watch", options.watches, "Follow it until it is over");
  add_coordinator_options(command, options.coordinator);
}

void add_history_task(ArgumentParser rollout, CommandContext& context) {
  auto [command, options] = add_command<HistoryOptions>(
      rollout, context,
      {.name = "history",
       .description = "Show the rollouts that there were",
       .details = "The latest comes last, each with the state it came to, how long after its "
                  "start, and how many hosts were told to activate the release. "
                  "`murder-audit`(1) has every step.",
       .example = "murder rollout history shop",
       .see_also = {"murder-rollout-status(1)", "murder-audit(1)"}},
      run_history);
  command.add_option("APP", options.app, "Only of this app");
  command.add_option("--max", options.most, "That many at most")
      .in_range(1, history_max)
      .type_name("N")
      .show_default();
  add_coordinator_options(command, options.coordinator);
}

}  // namespace murder::cli
