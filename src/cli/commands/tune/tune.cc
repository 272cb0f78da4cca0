// murder tune: which kernel settings of this host limit transfers; changes and restores them.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "cli/commands/command_list.h"
#include "cli/commands/tune/apply.h"
#include "cli/commands/tune/drop_ins.h"
#include "cli/commands/tune/plan.h"
#include "cli/commands/tune/read_facts.h"
#include "cli/commands/tune/record.h"
#include "cli/commands/tune/tune_lock.h"
#include "cli/ui/command.h"

namespace murder::cli {
namespace {

// Of the dry run: something is to be done.
constexpr int exit_pending = 3;

struct TuneOptions {
  bool dry_run = false;
  bool apply = false;
  bool undo = false;
  bool at_boot = false;
  bool force = false;
  uint64_t bytes_per_second = 0;
  Duration round_trip = tune::round_trip_assumed;
  std::string interface;
  std::string root = "/";
  std::vector<std::string> skipped;
};

Json json_of(const tune::Change& change) {
  return {{"what", change.what()},
          {"key", change.key},
          {"now", change.now},
          {"wanted", change.wanted},
          {"pending", change.is_pending()},
          {"why", change.why},
          {"source", change.source},
          {"where", drop_in_path(change)}};
}

Json json_of(const tune::Plan& plan, const tune::Facts& facts, Duration round_trip) {
  Json changes = Json::array();
  for (const tune::Change& change : plan.changes) {
    changes.push_back(json_of(change));
  }
  return {{"interface", facts.interface.name},
          {"bandwidth_bytes_per_s", plan.bytes_per_second},
          {"bandwidth_assumed", plan.is_rate_assumed},
          {"rtt_ms", std::chrono::duration<double, std::milli>(round_trip).count()},
          {"changes", changes},
          {"notes", plan.notes}};
}

// Each change in two lines: what, now and wanted in columns; below them why, source and file.
void print_plan(const tune::Plan& plan, const CommandContext& context) {
  size_t what_columns = 0;
  size_t now_columns = 0;
  for (const tune::Change& change : plan.changes) {
    if (change.is_pending() || !context.quiet) {
      what_columns = std::max(what_columns, change.what().size());
      now_columns = std::max(now_columns, change.now.size());
    }
  }
  for (const tune::Change& change : plan.changes) {
    if (change.is_pending()) {
      context.print(fmt::format("change  {:<{}}  {:<{}}  ->  {}", change.what(), what_columns,
                                change.now.empty() ? "-" : change.now, now_columns, change.wanted));
      context.print(fmt::format("          {} ({})", change.why, change.source));
      context.print(fmt::format("          {}", drop_in_path(change)));
    } else if (!context.quiet) {
      context.print(fmt::format("ok      {:<{}}  {}", change.what(), what_columns, change.now));
    }
  }
  for (const std::string& note : plan.notes) {
    context.note("note: " + note);
  }
}

int report_outcome(const tune::Outcome& outcome, Json report, std::string_view nothing,
                   const CommandContext& context) {
  for (const std::string& line : outcome.done) {
    context.print(line);
  }
  for (const std::string& line : outcome.failed) {
    context.warn(line);
  }
  for (const std::string& line : outcome.notes) {
    context.note("note: " + line);
  }
  if (outcome.done.empty() && outcome.failed.empty()) {
    context.print(nothing);
  }
  report["done"] = outcome.done;
  report["failed"] = outcome.failed;
  if (!outcome.notes.empty()) {
    report["notes"] = outcome.notes;
  }
  context.print_json(report);
  return outcome.failed.empty() ? exit_done : exit_failed;
}

std::string program_path(const std::string& root) {
  std::error_code error;
  const std::filesystem::path path = std::filesystem::read_symlink("/proc/self/exe", error);
  return root != "/" || error ? "/usr/bin/murder" : path.string();
}

// The record, and the facts and the plan as they were without it.
struct Found {
  std::optional<tune::Record> record;
  tune::Facts facts;
  tune::Plan plan;
};

Result<Found> look(const TuneOptions& options, const std::string& root, bool needs_record) {
  Found found;
  Result<std::optional<tune::Record>> record = tune::read_record(root);
  // A user who may not read the record may still look at the host as it is.
  if (!record && (needs_record || record.error().code != ErrorCode::permission)) {
    return fail(record.error());
  }
  if (record) {
    found.record = std::move(*record);
  }
  const Result<tune::Facts> facts = tune::read_facts(root, options.interface);
  if (!facts) {
    return fail(facts.error());
  }
  found.facts = *facts;
  const tune::Goal goal{.bytes_per_second = options.bytes_per_second == 0
                                                ? std::nullopt
                                                : std::optional(options.bytes_per_second),
                        .round_trip = options.round_trip,
                        .skipped = options.skipped};
  found.plan =
      tune::make_plan(found.record ? tune::before_tuning(*facts, *found.record) : *facts, goal);
  return found;
}

Result<int> run_dry(const TuneOptions& options, const std::string& root, CommandContext& context) {
  Result<Found> found = look(options, root, false);
  if (!found) {
    return fail(found.error());
  }
  const std::vector<std::string> stale = tune::mark_done(
      root, found->plan, tune::drop_ins_of(found->plan, program_path(root)), found->record);
  print_plan(found->plan, context);
  for (const std::string& each : stale) {
    context.print("back    " + each);
  }
  const size_t pending = found->plan.pending_count() + stale.size();
  context.print(pending == 0
                    ? "nothing to change"
                    : fmt::format("{} to change for {} Gbit/s: murder tune --apply", pending,
                                  static_cast<double>(found->plan.bytes_per_second) * 8e-9));
  Json report = json_of(found->plan, found->facts, options.round_trip);
  report["pending"] = pending;
  report["taken_back"] = stale;
  context.print_json(report);
  return pending == 0 ? exit_done : exit_pending;
}

Result<int> run_apply(const TuneOptions& options, const std::string& root,
                      CommandContext& context) {
  const Result<tune::TuneLock> lock = tune::TuneLock::take(root);
  if (!lock) {
    return fail(lock.error());
  }
  const Result<Found> found = look(options, root, true);
  if (!found) {
    return fail(found.error());
  }
  const Result<tune::Outcome> outcome =
      tune::apply(root, found->plan, tune::drop_ins_of(found->plan, program_path(root)),
                  found->record, options.force);
  if (!outcome) {
    return fail(outcome.error());
  }
  for (const std::string& note : found->plan.notes) {
    context.note("note: " + note);
  }
  return report_outcome(*outcome, json_of(found->plan, found->facts, options.round_trip),
                        "nothing to change", context);
}

// Undo, and what the unit of systemd runs at the start of the host.
Result<int> run_recorded(const TuneOptions& options, const std::string& root,
                         CommandContext& context) {
  const Result<tune::TuneLock> lock = tune::TuneLock::take(root);
  if (!lock) {
    return fail(lock.error());
  }
  const Result<std::optional<tune::Record>> record = tune::read_record(root);
  if (!record) {
    return fail(record.error());
  }
  const std::string path = tune::below(root, std::string(tune::record_path));
  if (!*record) {
    if (Status status = tune::remove_record(root); !status) {  // what a killed run left of it
      return fail(status.error());
    }
    return report_outcome({}, Json::object(), fmt::format("nothing to undo: there is no {}", path),
                          context);
  }
  return report_outcome(options.undo ? tune::undo(root, **record, options.force)
                                     : tune::apply_at_boot(root, **record),
                        Json::object(), "nothing had to be changed", context);
}

Result<int> run_tune(const TuneOptions& options, CommandContext& context) {
  const int modes = static_cast<int>(options.dry_run) + static_cast<int>(options.apply) +
                    static_cast<int>(options.undo) + static_cast<int>(options.at_boot);
  if (modes > 1) {
    return context.wrong_usage("only one of --dry-run, --apply and --undo can be given");
  }
  std::error_code error;
  std::string root = std::filesystem::absolute(options.root, error).lexically_normal().string();
  while (root.size() > 1 && root.back() == '/') {
    root.pop_back();
  }
  if (error || ::access(root.c_str(), F_OK) != 0) {
    return fail(ErrorCode::not_found, fmt::format("there is no directory {}", options.root));
  }
  if (modes == 0 || options.dry_run) {
    return run_dry(options, root, context);
  }
  if (root == "/" && ::geteuid() != 0) {
    return fail(ErrorCode::permission, "only root can change this host: sudo murder tune ...");
  }
  return options.apply ? run_apply(options, root, context) : run_recorded(options, root, context);
}

void add_modes(ArgumentParser command, TuneOptions& options) {
  command.add_flag("--dry-run", options.dry_run, "Show what would be changed (the default)");
  command.add_flag("--apply", options.apply,
                   "Change it now and for each boot; keep a record of what was there");
  command.add_flag("--undo", options.undo, "Restore what was there before --apply, byte for byte");
  command.add_flag("--force", options.force,
                   "Overwrite also what somebody else changed after --apply");
}

}  // namespace

void add_tune_command(ArgumentParser app, CommandContext& context) {
  auto [command, options] = add_command<TuneOptions>(
      app, context,
      {.name = "tune",
       .description =
           "Show which kernel settings of this host limit fast transfers; change them and restore "
           "them.\n"
           "Exit status: 0 nothing to do or done, 1 not all of it, 3 the dry run found something",
       .details =
           "Without --apply nothing is changed: each setting that limits transfers is shown with "
           "its "
           "value, the value it would get, the reason with its source, and the file that would "
           "hold "
           "it. `murder tune --apply` writes these files and sets the running kernel; "
           "`murder tune --undo` restores both, byte for byte, unless somebody else changed them "
           "since (`--force` restores these as well). Values that are better already are not "
           "lowered, and a second --apply changes nothing. A run that was killed is completed by "
           "the "
           "next --apply, or undone.\n\n"
           "Socket buffers follow from bandwidth and round trip, within the memory of the host.",
       .example = "murder tune\n"
                  "sudo murder tune --apply\n"
                  "sudo murder tune --apply --bandwidth 40gbit --rtt 20ms\n"
                  "sudo murder tune --undo",
       .exit_statuses = {{"0", "There was nothing to do, or it was done."},
                         {"1", "Not all of it could be done."},
                         {"2", "The command line is wrong."},
                         {"3", "The dry run found something that would be changed."}},
       .files = {{"/etc/sysctl.d/90-murder.conf", "Settings of the kernel, each with its reason."},
                 {"/etc/modules-load.d/murder.conf", "Modules of the kernel."},
                 {"/etc/systemd/system/UNIT.d/90-murder-tune.conf", "Limits of murder's services."},
                 {"/etc/tmpfiles.d/murder-tune.conf", "The mode of transparent huge pages."},
                 {"/etc/systemd/system/murder-tune.service",
                  "Sets receive ring, queues and interrupts at each boot."},
                 {"/var/lib/murder-tune.json", "What was there before --apply."}},
       .see_also = {"murder-doctor(1)", "murder-simulate(1)"},
       .has_telling_exit_code = true},
      run_tune);
  add_modes(command, options);
  command
      .add_rate("--bandwidth", options.bytes_per_second,
                "Of the link: 10gbit (default: what its driver reports, else 10gbit)")
      .type_name("RATE");
  command
      .add_duration("--rtt", options.round_trip,
                    "Round trip between the hosts (default: 1ms); from 5ms on BBR is chosen")
      .type_name("TIME");
  command
      .add_option("--interface", options.interface,
                  "Network interface (default: that of the default route)")
      .type_name("NAME");
  command
      .add_option("--skip", options.skipped,
                  "Leave this alone: a name of the first column, such as tls or\n"
                  "net.core.rmem_max; may be given several times")
      .type_name("NAME")
      .one_value_each_time();
  command
      .add_option("--root", options.root,
                  "The tree of another system, such as a mounted image; of it only files are\n"
                  "changed")
      .type_name("DIR")
      .show_default();
  command.add_flag("--at-boot", options.at_boot,
                   "Set what no drop-in can hold (murder-tune.service runs this)");
}

}  // namespace murder::cli
