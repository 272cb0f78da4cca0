// murder release list, show and revoke.
#include <fmt/format.h>

#include "cli/commands/release/release.h"
#include "cli/control/answer_text.h"
#include "cli/control/manual_items.h"
#include "cli/control/open_coordinator.h"
#include "cli/control/rollout_orders.h"

namespace murder::cli {
namespace {

struct ListOptions {
  std::string app;
  CoordinatorOptions coordinator;
};

struct ReleaseOptions {
  std::string app;
  std::string tag;
  std::string why;
  OrderSigningOptions signing;
  CoordinatorOptions coordinator;
};

Result<int> run_list(const ListOptions& options, CommandContext& context) {
  if (!options.app.empty()) {
    if (Status valid = check_app(options.app, context); !valid) {
      return fail(valid.error());
    }
  }
  Result<CoordinatorClient> client = open_coordinator(options.coordinator, context);
  const Result<Json> answer =
      client ? client->get(control_target("/control/releases", {{"app", options.app}}))
             : fail(client.error());
  if (!answer) {
    return fail(answer.error());
  }
  context.print(releases_table(*answer));
  context.print_json(*answer);
  return exit_done;
}

Status check_release(const ReleaseOptions& options, CommandContext& context) {
  Status valid = check_app(options.app, context);
  return valid ? check_tag(options.tag, context) : valid;
}

std::string target_of(const ReleaseOptions& options, std::string_view path) {
  return control_target(path, {{"app", options.app}, {"tag", options.tag}});
}

Result<int> run_show(const ReleaseOptions& options, CommandContext& context) {
  if (Status valid = check_release(options, context); !valid) {
    return fail(valid.error());
  }
  Result<CoordinatorClient> client = open_coordinator(options.coordinator, context);
  const Result<Json> release =
      client ? client->get(target_of(options, "/control/release")) : fail(client.error());
  if (!release) {
    return fail(release.error());
  }
  for (const std::string& line : release_lines(*release)) {
    context.print(line);
  }
  context.print_json(*release);
  return exit_done;
}

// Whether the latest rollout of the app is of this release, and leads away from it when undone.
bool may_undo(CoordinatorClient& client, const ReleaseOptions& options) {
  const Result<Json> rollout = ask_rollout(client, options.app);
  if (!rollout || text_member(*rollout, "tag") != options.tag) {
    return false;
  }
  const std::string state = text_member(*rollout, "state");
  return state != "undoing" && state != "undone";
}

Result<int> run_revoke(const ReleaseOptions& options, CommandContext& context) {
  if (Status valid = check_release(options, context); !valid) {
    return fail(valid.error());
  }
  Result<CoordinatorClient> client = open_coordinator(options.coordinator, context);
  if (!client) {
    return fail(client.error());
  }
  const bool offers_undo = may_undo(*client, options);
  const Result<std::optional<OrderSigner>> signer =
      OrderSigner::open(options.signing, options.coordinator.config_path, context);
  if (!signer) {
    return fail(signer.error());
  }
  Json body = {{"by", operator_name()}, {"why", options.why}};
  if (*signer) {
    Result<Json> orders =
        (*signer)->sign(*client, {.app = options.app, .tag = options.tag, .info_hash = {}},
                        {trust::OrderKind::revoke}, context);
    if (!orders) {
      return fail(orders.error());
    }
    if ((*signer)->saves()) {
      context.print((*signer)->saved_text());
      return exit_done;
    }
    body["orders"] = std::move(*orders);
  }
  Result<Json> release = client->post(target_of(options, "/control/release/revoke"), body);
  if (release && !release->contains("tag")) {
    release = client->get(target_of(options, "/control/release"));
  }
  if (!release) {
    return fail(release.error());
  }
  context.print(
      fmt::format("{} {} is revoked: no host activates it from now on", options.app, options.tag));
  if (const uint64_t running = count_member(*release, "hosts_active"); running > 0) {
    const std::string ways =
        offers_undo
            ? fmt::format("`murder rollout undo {}`, or start another release", options.app)
            : fmt::format("`murder rollout start {} TAG` with another release", options.app);
    context.print(fmt::format("{} host{} it: {}", running, running == 1 ? " runs" : "s run", ways));
  }
  context.print_json(*release);
  return exit_done;
}

// As arguments or as options: `show shop v42`, `show --app shop --tag v42`.
void add_release_words(ArgumentParser command, ReleaseOptions& options) {
  command.add_option("APP", options.app, "What it is a release of");
  command.add_option("TAG", options.tag, "The name of the release");
  command.add_option("--app", options.app, "The same as APP").type_name("NAME");
  command.add_option("--tag", options.tag, "The same as TAG").type_name("NAME");
}

}  // namespace

void add_known_release_tasks(ArgumentParser release, CommandContext& context) {
  auto [list, list_options] = add_command<ListOptions>(
      release, context,
      {.name = "list",
       .description = "Show the releases that a coordinator knows",
       .details = "COPY says whether the coordinator's host has a copy of its own; READY and "
                  "ACTIVE count the hosts that have the release and that run it.",
       .example = "murder release list --app shop",
       .see_also = {"murder-release-show(1)", "murder-rollout(1)"}},
      run_list);
  list.add_option("--app", list_options.app, "Only of this app").type_name("NAME");
  add_coordinator_options(list, list_options.coordinator);

  auto [show, show_options] =
      add_command<ReleaseOptions>(release, context,
                                  {.name = "show",
                                   .description = "Show one release",
                                   .details = "With --json there is everything that the "
                                              "coordinator knows of it.",
                                   .example = "murder release show shop v42",
                                   .see_also = {"murder-release-list(1)"}},
                                  run_show);
  add_release_words(show, show_options);
  add_coordinator_options(show, show_options.coordinator);

  auto [revoke, revoke_options] = add_command<ReleaseOptions>(
      release, context,
      {.name = "revoke",
       .description = "Have every host refuse a release from now on",
       .details = "Hosts that fetch it stop; no host activates it, also not on the way back from "
                  "another release. A rollout of it is held. Hosts that run it go on running it, "
                  "until another release is rolled out or the rollout is undone. A revocation "
                  "cannot be taken back: publish the content under another tag.",
       .example = "murder release revoke shop v41 --why \"loses orders\"",
       .see_also = {"murder-rollout-undo(1)", "murder-release-list(1)"},
       .has_telling_exit_code = true},
      run_revoke);
  add_release_words(revoke, revoke_options);
  revoke.add_option("--why", revoke_options.why, "For the log and for who asks").type_name("TEXT");
  add_order_signing_options(revoke, revoke_options.signing);
  add_coordinator_options(revoke, revoke_options.coordinator);
}

}  // namespace murder::cli
