// murder rollout start.
#include <fmt/format.h>

#include <ctime>

#include "cli/commands/rollout/rollout.h"
#include "cli/control/answer_text.h"
#include "cli/control/manual_items.h"
#include "cli/control/open_coordinator.h"
#include "cli/control/plan_options.h"
#include "cli/control/rollout_follow.h"
#include "cli/control/rollout_orders.h"
#include "cli/ui/output.h"
#include "engine/base/printable.h"

namespace murder::cli {
namespace {

struct StartOptions {
  std::string app;
  std::string tag;
  PlanOptions plan;
  bool is_attached = false;
  bool is_detached = false;
  bool waits = false;
  OrderSigningOptions signing;
  CoordinatorOptions coordinator;
};

// Hosts would wait for a release that nobody can give them.
void note_missing_source(CoordinatorClient& client, const StartOptions& options,
                         const CommandContext& context) {
  const Result<Json> release =
      client.get(control_target("/control/release", {{"app", options.app}, {"tag", options.tag}}));
  if (release && release->contains("copy") && text_member(*release, "copy") != "complete" &&
      count_member(*release, "hosts_ready") == 0) {
    context.warn(fmt::format(
        "the coordinator has no whole copy of {} {}, and no host reports one: if whoever published "
        "it has gone, `murder release publish` the same again",
        printable_value(options.app), printable_value(options.tag)));
  }
}

Result<int> run_start(const StartOptions& options, CommandContext& context) {
  for (const Status& valid : {check_app(options.app, context), check_tag(options.tag, context)}) {
    if (!valid) {
      return fail(valid.error());
    }
  }
  if (options.is_detached && (options.is_attached || options.waits)) {
    return context.wrong_usage("--detach does not go with --attached or --wait");
  }
  Result<Json> body = plan_json(options.plan, std::time(nullptr), local_clock());
  if (!body) {
    return context.wrong_usage(body.error().text);
  }
  if (const std::string waves = text_member(*body, "waves");
      waves.size() > options.plan.waves.size()) {
    context.note(fmt::format("the waves are {}: the last one is for all that are left", waves));
  }
  Result<CoordinatorClient> client = open_coordinator(options.coordinator, context);
  if (!client) {
    return fail(client.error());
  }
  const bool is_attached =
      !options.is_detached && (options.is_attached || options.waits || is_on_terminal());
  if (is_attached) {
    note_missing_source(*client, options, context);
  }
  (*body)["by"] = operator_name();
  const Result<std::optional<OrderSigner>> signer =
      OrderSigner::open(options.signing, options.coordinator.config_path, context);
  if (!signer) {
    return fail(signer.error());
  }
  if (*signer) {
    Result<Json> orders = (*signer)->sign(
        *client,
        {.app = options.app, .tag = options.tag, .info_hash = {}, .groups = options.plan.groups},
        kinds_of_start(options.plan.allow_older, options.plan.on_failure == "rollback"), context);
    if (!orders) {
      return fail(orders.error());
    }
    if ((*signer)->saves()) {
      context.print((*signer)->saved_text());
      return exit_done;
    }
    (*body)["orders"] = std::move(*orders);
  }
  Result<Json> rollout = client->post(
      control_target("/control/rollout", {{"app", options.app}, {"tag", options.tag}}), *body);
  if (rollout) {
    rollout = rollout_of(*rollout);
  }
  if (rollout && !rollout->contains("number")) {
    rollout = ask_rollout(*client, options.app);
  }
  if (!rollout) {
    return fail(rollout.error());
  }
  const uint64_t number = count_member(*rollout, "number");
  const std::string begun = fmt::format("rollout {} of {} {} has begun", number, options.app,
                                        printable_value(options.tag));
  if (!is_attached) {
    context.print(begun);
    context.print_json(*rollout);
    return exit_done;
  }
  context.note(begun);
  return follow_rollout(
      *client, {.app = options.app, .number = number, .signer = *signer ? &**signer : nullptr},
      context);
}

}  // namespace

void add_start_task(ArgumentParser rollout, CommandContext& context) {
  auto [command, options] = add_command<StartOptions>(
      rollout, context,
      {.name = "start",
       .description = "Begin to roll out a release that was published",
       .details = "All hosts fetch the release at once; it is activated in waves. A wave is "
                  "through when each of its hosts is healthy or failed, and after --bake the "
                  "next one begins. Hosts that are away hold nothing up, and follow when they "
                  "are back. When --max-fail is reached the rollout is held, or goes back by "
                  "itself with --on-failure rollback.\n\n"
                  "On a terminal, or with --attached or --wait, the command shows how far it is "
                  "and ends when the rollout is over, with an exit status that says how. ^C "
                  "asks whether to leave it running, pause, abort or undo it. Elsewhere, or with "
                  "--detach, the command ends when the rollout has begun. Whatever becomes of "
                  "the command, the rollout goes on at the coordinator.",
       .example = "murder rollout start shop v42 --groups web --waves 1,10%,50%,100% --bake 30s\n"
                  "murder rollout start shop v42 --at \"tomorrow 02:00\" --on-failure rollback",
       .exit_statuses = follow_exit_statuses(),
       .environment = {coordinator_variable},
       .files = {config_file, operator_key_file},
       .see_also = {"murder-rollout-status(1)", "murder-rollout-undo(1)",
                    "murder-release-publish(1)"},
       .has_telling_exit_code = true},
      run_start);
  command.add_option("APP", options.app, "What it is a release of").required();
  command.add_option("TAG", options.tag, "The release").required();
  add_plan_options(command, options.plan);
  command.add_flag("--attached", options.is_attached,
                   "Follow it until it is over (default: on a terminal)");
  command.add_flag("--detach", options.is_detached, "Do not follow it");
  command.add_flag("--wait", options.waits, "Follow it until it is over, also without a terminal");
  add_order_signing_options(command, options.signing);
  add_coordinator_options(command, options.coordinator);
}

}  // namespace murder::cli
