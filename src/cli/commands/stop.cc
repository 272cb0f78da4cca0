// murder stop: ends processes of this host through their control sockets.
#include <fmt/format.h>

#include <optional>

#include "cli/commands/command_list.h"
#include "cli/ui/command.h"
#include "engine/host/agent_places.h"
#include "engine/host/control.h"
#include "engine/host/processes.h"
#include "engine/host/service_processes.h"

namespace murder::cli {
namespace {

constexpr Duration stop_wait_max = std::chrono::seconds(15);

struct StopOptions {
  std::string tag;
  bool seeding = false;
  bool peering = false;
  bool tracker = false;
  std::optional<uint16_t> port;  // of the tracker
  bool all = false;
  bool if_running = false;
};

bool is_meant(const StopOptions& options, const host::RunningProcess& process) {
  const std::string kind = process.kind();
  if (!options.tag.empty() && process.tag() != options.tag) {
    return false;
  }
  if (options.seeding) {
    return kind == host::kind_seeder;
  }
  if (options.peering) {
    return kind == host::kind_peer;
  }
  if (options.tracker) {
    return kind == host::kind_tracker &&
           (!options.port || host::listens_on(process.status, *options.port));
  }
  return true;
}

// "no seeder of v42 runs here"
Error nothing_there(const StopOptions& options, const CommandContext& context) {
  std::string what = "process";
  if (options.seeding) {
    what = "seeder";
  } else if (options.peering) {
    what = "peer";
  } else if (options.tracker) {
    what = options.port ? fmt::format("tracker on port {}", *options.port) : "tracker";
  }
  if (!options.tag.empty()) {
    what += what == "process" ? fmt::format(" for {}", options.tag)
                              : fmt::format(" of {}", options.tag);
  }
  std::string text = fmt::format("no {} runs here (looked in {}; `murder status` shows what runs)",
                                 what, host::choose_run_directory(context.run_directory));
  for (const host::ServiceProcess& service : host::list_services_beside(context.run_directory)) {
    if (is_meant(options, service.process)) {
      text +=
          fmt::format("; {} is a service: `systemctl stop {}` ends it", service.unit, service.unit);
      break;
    }
  }
  return {ErrorCode::not_found, text};
}

Result<int> nothing_to_stop(const StopOptions& options, CommandContext& context) {
  context.print(nothing_there(options, context).text);
  context.print_json({{"stopped", Json::array()}});
  return exit_done;
}

struct Stopped {
  Json list = Json::array();
  Status outcome;
  bool is_any = false;
};

void stop_in(const host::RunDirectory& directory, const StopOptions& options,
             CommandContext& context, Stopped& done) {
  for (const host::RunningProcess& process : host::list_processes(directory)) {
    if (process.kind().empty() && !(options.all && options.tag.empty())) {
      context.warn(fmt::format("process {} does not answer and is left alone ({})", process.pid,
                               process.problem));
      continue;
    }
    if (!is_meant(options, process)) {
      continue;
    }
    done.is_any = true;
    const Status status = host::stop_process(directory, process, stop_wait_max);
    if (!status) {
      done.outcome = status;
      continue;
    }
    const std::string kind = process.kind().empty() ? "process" : process.kind();
    const std::string tag = process.tag().empty() ? "" : " of " + process.tag();
    context.print(fmt::format("stopped the {}{} (pid {})", kind, tag, process.pid));
    done.list.push_back({{"kind", kind}, {"tag", process.tag()}, {"pid", process.pid}});
  }
}

Result<int> run_stop(const StopOptions& options, CommandContext& context) {
  const int flags = int{options.seeding} + options.peering + options.tracker + options.all;
  if (flags > 1) {
    return context.wrong_usage("--seeding, --peering, --tracker and --all exclude each other");
  }
  if (options.tag.empty() && flags == 0) {
    return context.wrong_usage(
        "say what to stop: a TAG, or --seeding, --peering, --tracker or --all");
  }
  if (options.tracker && !options.tag.empty()) {
    return context.wrong_usage("a tracker has no TAG: leave it out with --tracker");
  }
  if (options.port && !options.tracker) {
    return context.wrong_usage("--port says which tracker: with --tracker only");
  }
  Result<host::RunDirectory> directory = host::RunDirectory::open_existing(context.run_directory);
  if (!directory) {
    const bool is_missing = directory.error().code == ErrorCode::not_found;
    if (is_missing && options.if_running) {
      return nothing_to_stop(options, context);
    }
    return fail(is_missing ? nothing_there(options, context) : directory.error());
  }
  Stopped done;
  for (const host::RunDirectory& each : host::with_agents(std::move(*directory))) {
    stop_in(each, options, context, done);
  }
  if (!done.is_any && options.if_running) {
    return nothing_to_stop(options, context);
  }
  if (!done.is_any) {
    return fail(nothing_there(options, context));
  }
  if (!done.outcome) {
    return fail(done.outcome.error());
  }
  context.print_json({{"stopped", done.list}});
  return exit_done;
}

}  // namespace

void add_stop_command(ArgumentParser app, CommandContext& context) {
  auto [command, options] = add_command<StopOptions>(
      app, context,
      {.name = "stop",
       .description = "Stop murder processes of this host and wait until they are gone",
       .details = "The processes end in good order: a peer that is interrupted keeps what it "
                  "has fetched, for the next attempt, and leaves nothing at its target; the "
                  "deploy whose agent started it reports that host as failed. "
                  "Something must be named: a TAG, a kind, or --all. Only processes of the "
                  "same user (and of the same --run-dir) are found. Services are stopped by "
                  "`systemctl stop`, since systemd would start them again.",
       .example = "murder stop v42\nmurder stop --tracker --port 8998",
       .see_also = {"murder-status(1)", "murder-clean(1)"},
       .has_telling_exit_code = true},
      run_stop);
  command.add_option("TAG", options.tag, "Stop the seeders and peers of this release")
      .completes(ValueKind::running_tag);
  command.add_flag("--seeding", options.seeding, "Seeders only");
  command.add_flag("--peering", options.peering, "Peers only");
  command.add_flag("--tracker", options.tracker, "Trackers");
  command.add_option("--port", options.port, "Of the trackers, the one that listens on it")
      .in_range(1, 65535)
      .type_name("PORT");
  command.add_flag("--all", options.all, "Everything");
  command.add_flag("--if-running", options.if_running, "Succeed also when nothing of it runs");
}

}  // namespace murder::cli
