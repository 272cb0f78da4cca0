// murder fleet activate and murder fleet releases: which release is current where.
#include <fmt/format.h>

#include <map>

#include "cli/fleet/activation.h"
#include "cli/fleet/fleet.h"
#include "cli/fleet/plan/node_set.h"
#include "cli/fleet/same_machine.h"
#include "cli/fleet/tasks.h"
#include "cli/ui/table.h"

namespace murder::fleet {
namespace {

constexpr size_t hosts_single_max = 40;

std::string or_dash(const std::string& text) {
  return text.empty() ? "-" : text;
}

std::string joined(const std::vector<std::string>& words) {
  return words.empty() ? "-" : fmt::format("{}", fmt::join(words, " "));
}

using Row = std::vector<std::string>;

// A row per host; with many, hosts with the same row share one.
std::vector<Row> rows_of(const Inventory& inventory, const std::vector<HostReleases>& list) {
  std::vector<Row> rows = {{"HOST", "CURRENT", "BEFORE", "RELEASES"}};
  std::map<Row, std::vector<std::string>> groups;
  for (const HostReleases& each : list) {
    const std::string& name = inventory.at(each.host).name;
    const Row row = {or_dash(each.current), or_dash(each.previous), joined(each.releases)};
    if (list.size() <= hosts_single_max) {
      rows.push_back({name, row[0], row[1], row[2]});
    } else {
      groups[row].push_back(name);
    }
  }
  for (const auto& [row, names] : groups) {
    rows.push_back({fold_node_set(names), row[0], row[1], row[2]});
  }
  return rows;
}

// "v42 is current on 118 hosts, v41 on 2, none on 1".
std::string summary_of(const std::vector<HostReleases>& list) {
  std::map<std::string, size_t> counts;
  for (const HostReleases& each : list) {
    ++counts[each.current];
  }
  std::string text;
  for (const auto& [release, count] : counts) {
    text += fmt::format("{}{} is current on {} host{}", text.empty() ? "" : ", ",
                        release.empty() ? "nothing" : release, count, count == 1 ? "" : "s");
  }
  return text.empty() ? "no host reported which releases it has" : text;
}

Result<int> run_releases(const TaskOptions& options, cli::CommandContext& context) {
  auto opened = open_work(options.fleet, context, "releases");
  if (!opened) {
    return fail(opened.error());
  }
  Work& work = **opened;
  const Result<std::string> destination =
      destination_of(options.destination_path, work.variables());
  if (!destination) {
    return context.wrong_usage(destination.error().text);
  }
  const std::vector<HostReleases> list = list_releases(work, work.inventory().peers, *destination);
  Json hosts = Json::object();
  for (const HostReleases& each : list) {
    Json releases = Json::array();
    for (const std::string& release : each.releases) {
      releases.push_back(release);
    }
    hosts[work.inventory().at(each.host).name] = {
        {"current", each.current.empty() ? Json() : Json(each.current)},
        {"previous", each.previous.empty() ? Json() : Json(each.previous)},
        {"releases", std::move(releases)}};
  }
  if (!list.empty()) {
    context.print(cli::format_table(rows_of(work.inventory(), list)));
    context.print("");
  }
  return work.finish(list.size(), summary_of(list),
                     {{"task", "releases"},
                      {"destination_path", *destination},
                      {"hosts", work.inventory().peers.size()},
                      {"releases", std::move(hosts)}});
}

Result<int> run_activate(const TaskOptions& options, cli::CommandContext& context) {
  auto opened = open_work(options.fleet, context, "activate");
  if (!opened) {
    return fail(opened.error());
  }
  Work& work = **opened;
  const Result<std::string> tag = tag_of(options.tag, work.variables());
  if (!tag) {
    return context.wrong_usage(tag.error().text);
  }
  const Result<std::string> destination =
      destination_of(options.destination_path, work.variables());
  if (!destination) {
    return context.wrong_usage(destination.error().text);
  }
  std::vector<HostIndex> hosts = work.inventory().peers;
  const std::vector<OtherName> other_names = meet_machines(work, hosts);
  const std::vector<HostIndex> done =
      activate(work, hosts, {.tag = *tag, .destination_path = *destination});
  return work.finish(done.size(),
                     fmt::format("{}/current is {} on {} of {} hosts", *destination, *tag,
                                 done.size(), hosts.size()),
                     {{"task", "activate"},
                      {"tag", *tag},
                      {"destination_path", *destination},
                      {"hosts", hosts.size()},
                      {"other_names", json_of(work.inventory(), other_names)},
                      {"done", names_of(work.inventory(), done)}});
}

void add_destination_option(cli::ArgumentParser command, TaskOptions& options) {
  command
      .add_option("--to,--destination-path", options.destination_path,
                  "Where the releases are (default: default_destination_path)")
      .type_name("DIR");
}

}  // namespace

void add_releases_tasks(cli::ArgumentParser fleet, cli::CommandContext& context) {
  auto releases = cli::add_command<TaskOptions>(
      fleet, context,
      {.name = "releases",
       .description = "Show which release is current on each host, which was before it, and which\n"
                      "are kept (those that a deploy or `murder peer --record` put there)",
       .example = "murder fleet releases --to /srv/app"},
      run_releases);
  add_destination_option(releases.command, releases.options);
  add_fleet_options(releases.command, releases.options.fleet);
  auto activate = cli::add_command<TaskOptions>(
      fleet, context,
      {.name = "activate",
       .description = "Make a release that the hosts have the current one, on every host in one\n"
                      "rename. Hosts that lack it keep theirs, and are named.",
       .example = "murder fleet activate tag=v42 destination_path=/srv/app",
       .has_telling_exit_code = true},
      run_activate);
  add_tag_option(activate.command, activate.options);
  add_destination_option(activate.command, activate.options);
  add_fleet_options(activate.command, activate.options.fleet);
}

}  // namespace murder::fleet
