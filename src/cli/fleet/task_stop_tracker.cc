// murder fleet stop-tracker: ends the tracker of the fleet, unless a release needs it.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "cli/fleet/fleet.h"
#include "cli/fleet/plan/remote_command.h"
#include "cli/fleet/same_machine.h"
#include "cli/fleet/steps.h"
#include "cli/fleet/tasks.h"
#include "cli/fleet/tracker_use.h"

namespace murder::fleet {
namespace {

constexpr const char* task_name = "stop-tracker";

// Of the hosts of trackers, those where nothing needs it. The others are noted as failures.
std::vector<HostIndex> hosts_to_stop(Work& work, const std::vector<HostIndex>& trackers) {
  const std::vector<HostIndex> hosts =
      hosts_of_roles(work.inventory(), std::array{Role::tracker, Role::seeder});
  const std::string status =
      CommandLine::murder(murder_path_of(work), "status").flag("--json").text();
  const std::vector<HostResult> results =
      work.run(hosts, {.stage = task_name}, [&](const Host&) { return status; });
  std::vector<std::string> served;
  for (const HostResult& result : results) {
    const std::vector<std::string> more = served_releases(json_output(result));
    served.insert(served.end(), more.begin(), more.end());
  }
  std::vector<HostIndex> free;
  for (const HostResult& result : results) {
    if (std::find(trackers.begin(), trackers.end(), result.host) == trackers.end()) {
      continue;
    }
    const Json told = json_output(result);
    const Json* tracker = tracker_on(told, work.variables().tracker_port);
    std::string reason = tracker == nullptr ? "" : reason_to_keep(*tracker, served);
    if (result.is_ok() && !told.contains("processes")) {
      reason = "it does not report what is distributed through it";
    }
    if (!result.is_ok()) {
      work.note_failure(result);
    } else if (!reason.empty()) {
      HostFailure failure = failure_of(work.inventory(), result);
      failure.outcome = outcome_name(Outcome::failed);
      failure.reason = reason + ": --force ends it all the same";
      work.note_failure(std::move(failure));
    } else {
      free.push_back(result.host);
    }
  }
  return free;
}

Result<int> run_stop_tracker(const TaskOptions& options, cli::CommandContext& context) {
  auto opened = open_work(options.fleet, context, task_name);
  if (!opened) {
    return fail(opened.error());
  }
  Work& work = **opened;
  std::vector<HostIndex> trackers = work.inventory().trackers;
  const std::vector<OtherName> other_names = meet_machines(work, trackers);
  const std::vector<HostIndex> hosts = options.force ? trackers : hosts_to_stop(work, trackers);
  const std::string stop = stop_tracker_command(work).text();
  std::vector<HostIndex> done;
  for (const HostResult& result :
       work.run_and_note(hosts, {.stage = task_name}, [&](const Host&) { return stop; })) {
    done.push_back(result.host);
  }
  return finish_task(work, task_name, trackers, done,
                     {{"other_names", json_of(work.inventory(), other_names)}});
}

}  // namespace

void add_stop_tracker_task(cli::ArgumentParser fleet, cli::CommandContext& context) {
  auto [command, options] = cli::add_command<TaskOptions>(
      fleet, context,
      {.name = task_name,
       .description = "Stop the tracker that listens on the tracker's port; that none does is an\n"
                      "error, and that a release is still fetched or served through it",
       .example = "murder fleet stop-tracker",
       .has_telling_exit_code = true},
      run_stop_tracker);
  command.add_flag("--force", options.force, "Also while a release needs it");
  add_fleet_options(command, options.fleet);
}

}  // namespace murder::fleet
