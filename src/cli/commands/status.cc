// murder status: what runs on this host.
#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "cli/commands/command_list.h"
#include "cli/ui/command.h"
#include "cli/ui/table.h"
#include "engine/base/units.h"
#include "engine/host/agent_places.h"
#include "engine/host/control.h"
#include "engine/host/processes.h"
#include "engine/host/run_directory.h"
#include "engine/host/service_processes.h"

namespace murder::cli {
namespace {

struct StatusOptions {
  std::string tag;
};

std::string or_dash(const std::string& text) {
  return text.empty() ? "-" : text;
}

// The phase, and what else keeps peers from one another: without a tracker they do not meet.
std::string phase_of(const host::RunningProcess& process) {
  if (!process.problem.empty()) {
    return "does not answer";
  }
  const std::string phase = text_member(process.status, "phase");
  const bool wants_tracker = phase == "seeding" || phase == "downloading";
  if (!wants_tracker || !process.status.contains("details")) {
    return or_dash(phase);
  }
  const Json& details = process.status["details"];
  if (count_member(details, "trackers_working") > 0) {
    return phase;
  }
  const bool is_known = !text_member(details, "tracker_trouble").empty();
  return phase + (is_known ? ", no tracker works" : ", no tracker yet");
}

std::vector<std::string> row_of(const host::RunningProcess& process) {
  const Json& status = process.status;
  const uint64_t total = count_member(status, "total_bytes");
  const uint64_t done = count_member(status, "done_bytes");
  const bool is_tracker = process.kind() == host::kind_tracker;
  std::string progress = "-";
  if (total > 0) {
    progress = fmt::format(
        "{}% of {}",
        static_cast<uint64_t>(100.0 * static_cast<double>(done) / static_cast<double>(total)),
        format_size(total));
  }
  return {process.kind().empty() ? "?" : process.kind(),
          or_dash(process.tag()),
          phase_of(process),
          progress,
          fmt::format("{}", count_member(status, "peers")),
          is_tracker ? "-" : format_size(count_member(status, "sent_bytes")),
          or_dash(text_member(status, "address")),
          fmt::format("{}", process.pid)};
}

Json json_of(const host::RunningProcess& process) {
  Json json = process.status;
  json["pid"] = process.pid;
  if (!process.problem.empty()) {
    json["problem"] = process.problem;
  }
  return json;
}

std::string nothing_text(const StatusOptions& options, const CommandContext& context) {
  const std::string hidden =
      host::has_hidden_services_beside(context.run_directory) ? "; services are shown to root" : "";
  if (!options.tag.empty()) {
    return fmt::format("nothing of {} runs here{}", options.tag, hidden);
  }
  return fmt::format("nothing runs here (looked in {}{})",
                     host::choose_run_directory(context.run_directory), hidden);
}

Result<int> run_status(const StatusOptions& options, CommandContext& context) {
  std::vector<host::RunningProcess> processes;
  Result<host::RunDirectory> directory = host::RunDirectory::open_existing(context.run_directory);
  if (directory) {
    for (const host::RunDirectory& each : host::with_agents(std::move(*directory))) {
      std::vector<host::RunningProcess> found = host::list_processes(each);
      std::ranges::move(found, std::back_inserter(processes));
    }
  } else if (directory.error().code != ErrorCode::not_found) {
    return fail(directory.error());
  }
  const auto is_other = [&options](const host::RunningProcess& process) {
    return !options.tag.empty() && process.problem.empty() && process.tag() != options.tag;
  };
  std::erase_if(processes, is_other);
  std::vector<host::ServiceProcess> services = host::list_services_beside(context.run_directory);
  std::erase_if(services, [&is_other](const host::ServiceProcess& service) {
    return is_other(service.process);
  });
  Json list = Json::array();
  std::vector<std::vector<std::string>> rows = {
      {"KIND", "TAG", "PHASE", "DONE", "PEERS", "SENT", "ADDRESS", "PID"}};
  if (!services.empty()) {
    rows[0].emplace_back("UNIT");
  }
  for (const host::RunningProcess& process : processes) {
    list.push_back(json_of(process));
    rows.push_back(row_of(process));
  }
  for (const host::ServiceProcess& service : services) {
    Json json = json_of(service.process);
    json["unit"] = service.unit;
    list.push_back(std::move(json));
    rows.push_back(row_of(service.process));
    rows.back().push_back(service.unit);
  }
  context.print(rows.size() > 1 ? format_table(rows) : nothing_text(options, context));
  context.print_json({{"processes", list}});
  return exit_done;
}

}  // namespace

void add_status_command(ArgumentParser app, CommandContext& context) {
  auto [command, options] = add_command<StatusOptions>(
      app, context,
      {
          .name = "status",
          .description = "Show the murder processes of this host",
          .details = "Of each tracker, seeder and peer of this "
                     "user, also of those that an agent of a "
                     "deploy has started: the kind, the release, what it is "
                     "doing, how much of the release it has, its "
                     "neighbours, what it sent, its address and "
                     "its process. With --json there is more, such "
                     "as what each tracker answered last.\n\n"
                     "Only processes of the same user (and of the "
                     "same --run-dir) are found. To root the "
                     "services of the packages are shown as well, "
                     "with their units, unless --run-dir is given.",
          .example = "murder status\nmurder status v42 --json",
          .see_also = {"murder-stop(1)", "murder-wait(1)"},
      },
      run_status);
  command.add_option("TAG", options.tag, "Only processes of this release")
      .completes(ValueKind::running_tag);
}

}  // namespace murder::cli
