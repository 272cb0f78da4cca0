// murder rollout pause, resume, abort and undo.
#include <fmt/format.h>

#include "cli/commands/rollout/rollout.h"
#include "cli/control/answer_text.h"
#include "cli/control/open_coordinator.h"
#include "cli/control/rollout_orders.h"

namespace murder::cli {
namespace {

struct OrderOptions {
  std::string app;
  OrderSigningOptions signing;
  CoordinatorOptions coordinator;
};

Result<int> run_order(std::string_view verb, const OrderOptions& options, CommandContext& context) {
  if (!options.app.empty()) {
    if (Status valid = check_app(options.app, context); !valid) {
      return fail(valid.error());
    }
  }
  Result<CoordinatorClient> client = open_coordinator(options.coordinator, context);
  if (!client) {
    return fail(client.error());
  }
  const Result<std::string> app = meant_app(*client, options.app);
  if (!app) {
    return fail(app.error());
  }
  const Result<std::optional<OrderSigner>> signer =
      verb == "pause"
          ? std::optional<OrderSigner>()
          : OrderSigner::open(options.signing, options.coordinator.config_path, context);
  if (!signer) {
    return fail(signer.error());
  }
  const Result<Json> rollout =
      order_rollout(*client, verb, *app, *signer ? &**signer : nullptr, context);
  if (!rollout) {
    return fail(rollout.error());
  }
  if (*signer && (*signer)->saves()) {
    context.print((*signer)->saved_text());
    return exit_done;
  }
  context.print(rollout_headline(*rollout));
  context.print("  hosts      " + counts_text(*rollout));
  context.print_json(*rollout);
  return exit_done;
}

Result<int> run_pause(const OrderOptions& options, CommandContext& context) {
  return run_order("pause", options, context);
}

Result<int> run_resume(const OrderOptions& options, CommandContext& context) {
  return run_order("resume", options, context);
}

Result<int> run_abort(const OrderOptions& options, CommandContext& context) {
  return run_order("abort", options, context);
}

Result<int> run_undo(const OrderOptions& options, CommandContext& context) {
  return run_order("undo", options, context);
}

void add_order(ArgumentParser rollout, CommandContext& context, const CommandText& text,
               Result<int> (*run)(const OrderOptions&, CommandContext&)) {
  auto [command, options] = add_command<OrderOptions>(rollout, context, text, run);
  command.add_option("APP", options.app,
                     "The app; may be left out where there are rollouts of one alone");
  if (std::string_view(text.name) != "pause") {
    add_order_signing_options(command, options.signing);
  }
  add_coordinator_options(command, options.coordinator);
}

}  // namespace

void add_order_tasks(ArgumentParser rollout, CommandContext& context) {
  add_order(rollout, context,
            {.name = "pause",
             .description = "Have no further host activate the release",
             .details = "Hosts that were told to activate it finish. Fetching goes on.",
             .example = "murder rollout pause shop",
             .see_also = {"murder-rollout-resume(1)", "murder-rollout-abort(1)"},
             .has_telling_exit_code = true},
            run_pause);
  add_order(rollout, context,
            {.name = "resume",
             .description = "Continue a rollout that is paused or held",
             .details = "Of a rollout that was held, hosts that failed are tried again. One whose "
                        "release is revoked cannot be resumed.",
             .example = "murder rollout resume shop",
             .see_also = {"murder-rollout-pause(1)", "murder-rollout-status(1)"},
             .has_telling_exit_code = true},
            run_resume);
  add_order(rollout, context,
            {.name = "abort",
             .description = "End a rollout, and leave every host as it is",
             .details = "Hosts that were told to activate the release finish; the others keep "
                        "what they run. `murder rollout undo` also takes back what was activated.",
             .example = "murder rollout abort shop",
             .see_also = {"murder-rollout-undo(1)", "murder-rollout-pause(1)"},
             .has_telling_exit_code = true},
            run_abort);
  add_order(rollout, context,
            {.name = "undo",
             .description = "Return every host to what it ran before the rollout",
             .details = "Also after the rollout was done. Each host that was told to activate "
                        "the release goes back, no more at a time than --max-unavailable "
                        "allowed; hosts that are away do when they come back. "
                        "`murder rollout status --watch` follows it.",
             .example = "murder rollout undo shop",
             .see_also = {"murder-rollout-status(1)", "murder-release-revoke(1)"},
             .has_telling_exit_code = true},
            run_undo);
}

}  // namespace murder::cli
