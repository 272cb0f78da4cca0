// The tasks of `murder fleet` that are one command on the hosts of a role, as Murder's README has
// them.
#include "cli/fleet/tasks.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

#include "cli/fleet/fleet.h"
#include "cli/fleet/plan/remote_command.h"
#include "cli/fleet/same_machine.h"
#include "cli/fleet/steps.h"

namespace murder::fleet {

std::string temp_path_of(const Work& work, const TaskOptions& options) {
  return first_of(options.temp_path, work.variables().default_temp_path);
}

std::vector<HostIndex> hosts_of_roles(const Inventory& inventory, std::span<const Role> roles) {
  std::vector<HostIndex> hosts;
  for (const Role role : roles) {
    const std::vector<HostIndex>& more = inventory.role(role);
    hosts.insert(hosts.end(), more.begin(), more.end());
  }
  std::sort(hosts.begin(), hosts.end());
  hosts.erase(std::unique(hosts.begin(), hosts.end()), hosts.end());
  return hosts;
}

Json names_of(const Inventory& inventory, std::span<const HostIndex> hosts) {
  Json names = Json::array();
  for (const HostIndex host : hosts) {
    names.push_back(inventory.at(host).name);
  }
  return names;
}

Result<std::unique_ptr<Work>> open_work(const FleetOptions& options, cli::CommandContext& context,
                                        const std::string& title) {
  Result<Fleet> fleet = open_fleet(options, context);
  if (!fleet) {
    return fail(fleet.error());
  }
  return std::make_unique<Work>(std::move(*fleet), context, title);
}

int finish_task(Work& work, const std::string& task, std::span<const HostIndex> hosts,
                std::span<const HostIndex> done, Json json) {
  json["task"] = task;
  json["hosts"] = hosts.size();
  json["done"] = names_of(work.inventory(), done);
  return work.finish(done.size(),
                     fmt::format("{}: done on {} of {} hosts", task, done.size(), hosts.size()),
                     std::move(json));
}

namespace {

// What is to be run for a task; empty lists and texts are filled in by prepare().
struct SimpleTask {
  std::string name;
  std::vector<Role> roles;
  bool needs_tag = false;
  std::string (*command_of)(const Work& work, const TaskOptions& options, const std::string& tag,
                            const Host& host) = nullptr;
};

CommandLine murder_command(const Work& work, std::string_view command) {
  return CommandLine::murder(murder_path_of(work), command);
}

std::string stop_seeding(const Work& work, const TaskOptions&, const std::string& tag,
                         const Host&) {
  return murder_command(work, "stop").word(tag).flag("--seeding").text();
}
std::string stop_all_seeding(const Work& work, const TaskOptions&, const std::string&,
                             const Host&) {
  return murder_command(work, "stop").flag("--seeding").text();
}
std::string stop_peering(const Work& work, const TaskOptions&, const std::string& tag,
                         const Host&) {
  return murder_command(work, "stop").word(tag).flag("--peering").flag("--if-running").text();
}
std::string stop_all_peering(const Work& work, const TaskOptions&, const std::string&,
                             const Host&) {
  return murder_command(work, "stop").flag("--peering").flag("--if-running").text();
}
std::string start_seeding(const Work& work, const TaskOptions& options, const std::string& tag,
                          const Host& host) {
  const std::string label = work.label_of(host);
  return seed_command(murder_path_of(work), temp_path_of(work, options), tag,
                      {.ip = host.ip,
                       .rack = host.rack,
                       .label = label,
                       .peer_port = work.variables().peer_port,
                       .limits = options.peering.limits,
                       .transport = work.variables().transport});
}
std::string clean_temp_files(const Work& work, const TaskOptions& options, const std::string& tag,
                             const Host&) {
  return murder_command(work, "clean")
      .word(tag)
      .path_option("--temp-path", temp_path_of(work, options))
      .flag("--path-is-file", options.path_is_file)
      .flag("--stop", options.force)
      .text();
}

const SimpleTask stop_seeding_task{"stop-seeding", {Role::seeder}, true, stop_seeding};
const SimpleTask stop_all_seeding_task{"stop-all-seeding", {Role::seeder}, false, stop_all_seeding};
const SimpleTask stop_peering_task{"stop-peering", {Role::peer}, true, stop_peering};
const SimpleTask stop_all_peering_task{"stop-all-peering", {Role::peer}, false, stop_all_peering};
const SimpleTask start_seeding_task{"start-seeding", {Role::seeder}, true, start_seeding};
const SimpleTask clean_task{"clean-temp-files", {Role::peer, Role::seeder}, true, clean_temp_files};

// The last line of what a command said there.
std::string last_line(std::string_view output) {
  while (output.ends_with('\n')) {
    output.remove_suffix(1);
  }
  const size_t start = output.rfind('\n');
  return std::string(start == std::string_view::npos ? output : output.substr(start + 1));
}

template <const SimpleTask& task>
Result<int> run_simple(const TaskOptions& options, cli::CommandContext& context) {
  auto work = open_work(options.fleet, context, task.name);
  if (!work) {
    return fail(work.error());
  }
  std::string tag;
  if (task.needs_tag) {
    const Result<std::string> chosen = tag_of(options.tag, (*work)->variables());
    if (!chosen) {
      return context.wrong_usage(chosen.error().text);
    }
    tag = *chosen;
  }
  std::vector<HostIndex> hosts = hosts_of_roles((*work)->inventory(), task.roles);
  const std::vector<OtherName> other_names = meet_machines(**work, hosts);
  const std::vector<HostResult> results = (*work)->run_and_note(
      hosts, {.stage = task.name},
      [&](const Host& host) { return task.command_of(**work, options, tag, host); });
  std::vector<HostIndex> done;
  Json said = Json::object();
  for (const HostResult& result : results) {
    done.push_back(result.host);
    const std::string& name = (*work)->inventory().at(result.host).name;
    said[name] = last_line(result.output);
    if (results.size() <= 10 && !result.output.starts_with('{')) {
      context.note(fmt::format("{}: {}", name, last_line(result.output)));
    }
  }
  if (&task == &clean_task) {
    remove_local_torrents(local_path(temp_path_of(**work, options)), tag);
  }
  return finish_task(**work, task.name, hosts, done,
                     {{"said", said}, {"other_names", json_of((*work)->inventory(), other_names)}});
}

template <const SimpleTask& task>
cli::AddedCommand<TaskOptions> add_simple(cli::ArgumentParser fleet, cli::CommandContext& context,
                                          const std::string& description,
                                          const std::string& example) {
  auto added = cli::add_command<TaskOptions>(fleet, context,
                                             {.name = task.name,
                                              .description = description,
                                              .example = "murder fleet " + example,
                                              .has_telling_exit_code = true},
                                             run_simple<task>);
  if (task.needs_tag) {
    add_tag_option(added.command, added.options);
  }
  add_fleet_options(added.command, added.options.fleet);
  return added;
}

}  // namespace

void remove_local_torrents(const std::string& temp_path, const std::string& tag) {
  for (const std::string_view ending : {".tar.zst", ".tar.gz", ".tar", ""}) {
    unlink(fmt::format("{}/{}{}.torrent", temp_path, tag, ending).c_str());
    unlink(fmt::format("{}/{}{}.torrent.sig", temp_path, tag, ending).c_str());
  }
}

void add_simple_tasks(cli::ArgumentParser fleet, cli::CommandContext& context) {
  auto seeding = add_simple<start_seeding_task>(
      fleet, context, "Serve the release from the seeder, in the background, until it is stopped",
      "start-seeding tag=v42");
  add_temp_path_option(seeding.command, seeding.options);
  add_path_is_file_option(seeding.command, seeding.options);
  add_limit_options(seeding.command, seeding.options.peering.limits);
  add_transport_option(seeding.command, seeding.options.fleet);
  add_simple<stop_seeding_task>(
      fleet, context,
      "Stop serving the release; that it is not served is an error. Peers continue\n"
      "with the other hosts.",
      "stop-seeding tag=v42");
  add_simple<stop_all_seeding_task>(fleet, context, "Stop serving all releases",
                                    "stop-all-seeding");
  add_simple<stop_peering_task>(fleet, context,
                                "End what fetches or passes on the release on the peers",
                                "stop-peering tag=v42");
  add_simple<stop_all_peering_task>(
      fleet, context, "End what fetches or passes on any release on the peers", "stop-all-peering");
  auto clean = add_simple<clean_task>(
      fleet, context,
      "Remove the archive and the torrent of the release from peers, seeder and this\n"
      "machine. Peers that have finished are stopped; what still fetches or was started\n"
      "as a seeder is an error.",
      "clean-temp-files tag=v42");
  add_temp_path_option(clean.command, clean.options);
  add_path_is_file_option(clean.command, clean.options);
  clean.command.add_flag("--stop", clean.options.force,
                         "Stop what still fetches or serves the release there first");
}

}  // namespace murder::fleet
