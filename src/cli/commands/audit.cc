// murder audit: who did what, and what came of it.
#include <fmt/format.h>

#include <algorithm>
#include <ctime>

#include "cli/commands/command_list.h"
#include "cli/control/answer_text.h"
#include "cli/control/at_time.h"
#include "cli/control/audit_filter.h"
#include "cli/control/audit_proofs.h"
#include "cli/control/audit_tags.h"
#include "cli/control/bounds.h"
#include "cli/control/manual_items.h"
#include "cli/control/open_coordinator.h"
#include "cli/ui/stop_signals.h"

namespace murder::cli {
namespace {

struct AuditOptions {
  uint32_t from = 1;
  uint32_t most = 0;  // 0: all
  bool verifies = false;
  std::string since;
  AuditFilter filter;
  CoordinatorOptions coordinator;
};

constexpr uint32_t number_max = UINT32_MAX;

// Prints the records of a page. The number of the next one; nothing when there is none, or enough
// were printed.
Result<std::optional<uint64_t>> print_page(std::string_view lines, uint64_t from,
                                           const AuditFilter& filter, AuditTags& tags,
                                           AuditProofs* proofs, const CommandContext& context) {
  uint64_t next = from;
  while (!lines.empty()) {
    const size_t end = std::min(lines.find('\n'), lines.size());
    const std::string_view line = lines.substr(0, end);
    lines.remove_prefix(std::min(end + 1, lines.size()));
    if (line.empty()) {
      continue;
    }
    Result<Json> record = parse_json(line);
    if (!record || !record->is_object() || count_member(*record, "number") < next) {
      return fail(ErrorCode::network,
                  "the coordinator's log cannot be read: a line of it is not a "
                  "record");
    }
    next = count_member(*record, "number") + 1;
    Json named = tags.named(*record);
    if (named.contains("signed")) {
      named["signed"] = signed_summary(text_member(named, "signed"));
    }
    const std::optional<std::string> fault =
        proofs == nullptr ? std::nullopt : proofs->verify(*record);
    if (fault) {
      named["verified"] = (*record)["verified"] = fault->empty();
    }
    if (fault && !fault->empty()) {
      named["fault"] = (*record)["fault"] = *fault;
    }
    if (is_asked_for(filter, *record, tags.tag_of_subject(*record))) {
      context.print(audit_line(named));
      context.print_json(*record);
    }
  }
  return next == from ? std::nullopt : std::optional(next);
}

Result<int> run_audit(const AuditOptions& options, CommandContext& context) {
  AuditFilter filter = options.filter;
  if (!filter.tag.empty()) {
    if (Status valid = check_tag(filter.tag, context); !valid) {
      return fail(valid.error());
    }
  }
  if (!options.since.empty()) {
    const Result<int64_t> since = parse_since(options.since, std::time(nullptr), local_clock());
    if (!since) {
      return context.wrong_usage(fmt::format("--since: {}", since.error().text));
    }
    filter.since_s = *since;
  }
  Result<CoordinatorClient> client = open_coordinator(options.coordinator, context);
  if (!client) {
    return fail(client.error());
  }
  const StopSignals stop;
  if (options.verifies && (options.from != 1 || options.most != 0)) {
    return context.wrong_usage("--verify reads the whole log: not with --from or --max");
  }
  AuditTags tags;
  AuditProofs proofs;
  uint64_t from = options.from;
  const uint64_t end = options.most == 0 ? UINT64_MAX : from + options.most;
  while (from < end && !stop.flag().is_set()) {
    const uint64_t most = std::min<uint64_t>(limits::audit_page_records, end - from);
    const Result<std::string> lines = client->get_text(control_target(
        "/control/audit", {{"from", fmt::format("{}", from)}, {"max", fmt::format("{}", most)}}));
    if (!lines) {
      return fail(lines.error());
    }
    const Result<std::optional<uint64_t>> next =
        print_page(*lines, from, filter, tags, options.verifies ? &proofs : nullptr, context);
    if (!next) {
      return fail(next.error());
    }
    if (!*next) {
      break;
    }
    from = **next;
  }
  if (!options.verifies) {
    return exit_done;
  }
  context.note(
      fmt::format("{} signed outcomes are right, {} are not; of {} hosts the last outcome "
                  "is not signed",
                  proofs.verified_count(), proofs.false_count(), proofs.unsigned_count()));
  return proofs.false_count() == 0 ? exit_done : exit_failed;
}

}  // namespace

void add_audit_command(ArgumentParser app, CommandContext& context) {
  auto [command, options] = add_command<AuditOptions>(
      app, context,
      {.name = "audit",
       .description = "Print a coordinator's log: who did what when, and what came of it",
       .details =
           "Every publication, order, wave and outcome of a host is a record, in the order "
           "in which they happened; nothing is ever taken out. Releases are named by their "
           "tags where a record that was printed before has them, else by their numbers. "
           "With --json each record is "
           "a line of JSON, as it is kept.\n\n"
           "With --verify the outcomes that agents signed are verified here, by the key that "
           "has the host's name in the log, and the command fails if one is not right. Of the "
           "coordinator nothing is believed but which key is whose: `ssh-keygen -l -f "
           "/var/lib/murder-agent/agent.key` shows a host's own.\n\n"
           "--app, --tag, --host and --since choose records; where several are given, all "
           "of them hold. --tag chooses what is about this release or its rollouts.",
       .example = "murder audit --since 2h --host web1\n"
                  "murder audit --app shop --tag v42 --json",
       .environment = {coordinator_variable},
       .files = {config_file, operator_key_file},
       .see_also = {"murder-rollout-history(1)", "murder-release(1)", "murder-tracker(1)"}},
      run_audit);
  command.add_option("--from", options.from, "Begin with the record of this number")
      .in_range(1, number_max)
      .type_name("N")
      .show_default();
  command.add_option("--max", options.most, "That many numbers at most (default: all)")
      .in_range(1, number_max)
      .type_name("N");
  command.add_flag("--verify", options.verifies, "Verify the outcomes that agents signed");
  command.add_option("--app", options.filter.app, "Only what is about this app").type_name("NAME");
  command.add_option("--tag", options.filter.tag, "Only what is about this release")
      .type_name("TAG");
  command.add_option("--host", options.filter.host, "Only what is about this host")
      .type_name("HOST");
  command
      .add_option("--since", options.since,
                  "Only what happened from then on: 2h (ago), 02:00, \"yesterday 18:00\" or a date "
                  "and time")
      .type_name("TIME");
  add_coordinator_options(command, options.coordinator);
}

}  // namespace murder::cli
