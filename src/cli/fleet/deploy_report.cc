#include "cli/fleet/deploy_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "cli/fleet/plan/node_set.h"
#include "cli/fleet/plan/printed_command.h"
#include "cli/fleet/same_machine.h"
#include "cli/fleet/tasks.h"
#include "cli/ui/table.h"
#include "engine/base/units.h"

namespace murder::fleet {
namespace {

std::string target_of(const DeployOptions& options) {
  return options.no_tag_directory ? options.destination_path
                                  : options.destination_path + "/" + options.tag;
}

// By what is current, in the order of the hosts.
std::vector<std::pair<std::string, std::vector<HostIndex>>> hosts_by_current(
    const DeployOutcome& outcome) {
  std::vector<std::pair<std::string, std::vector<HostIndex>>> groups;
  for (const auto& [host, tag] : outcome.current) {
    const std::string& name = tag.empty() ? std::string("no known release") : tag;
    auto group = std::ranges::find(groups, name, &decltype(groups)::value_type::first);
    if (group == groups.end()) {
      group = groups.emplace(groups.end(), name, std::vector<HostIndex>());
    }
    group->second.push_back(host);
  }
  return groups;
}

// "; v1 is current on all 4 hosts", "; current by now: v2 on 1 host, v1 on 3"
std::string text_of_current(const DeployOutcome& outcome, size_t host_count) {
  const auto groups = hosts_by_current(outcome);
  if (groups.empty()) {
    return {};
  }
  if (groups.size() == 1 && groups[0].second.size() == host_count) {
    return fmt::format("; {} is current on {}", groups[0].first,
                       host_count == 1 ? "it" : fmt::format("all {} hosts", host_count));
  }
  std::string text;
  for (const auto& [tag, hosts] : groups) {
    text += fmt::format("{}{} on {} of {}", text.empty() ? "; current by now: " : ", ", tag,
                        hosts.size(), host_count);
  }
  return text;
}

std::string summary_of(const DeployOptions& options, const DeployOutcome& outcome,
                       std::span<const HostFailure> failures, const DeployEnd& end) {
  const size_t host_count = end.host_count;
  std::string text =
      fmt::format("{} of {} hosts got {} in {} (after {})", outcome.done.size(), host_count,
                  options.tag, options.destination_path, format_duration(end.elapsed));
  if (!outcome.already.empty()) {
    text +=
        fmt::format(", {} had it already", outcome.already.size() == outcome.done.size()
                                               ? "all of them"
                                               : fmt::format("{} of them", outcome.already.size()));
  }
  if (outcome.is_activated && outcome.not_activated.empty()) {
    text += ", and it is current there";
  }
  if (end.all_hosts > 0) {
    text += fmt::format("; with those before, {} of {} hosts have it", end.all_done, end.all_hosts);
  }
  if (!outcome.not_activated.empty()) {
    text += "; " + outcome.not_activated;
    text += text_of_current(outcome, host_count);
  }
  if (!outcome.stages_text.empty()) {
    text += "\nstages, which overlap: " + outcome.stages_text;
  }
  if (!outcome.fatal) {
    text = fmt::format("{} was not deployed: {}", options.tag, outcome.fatal.error().text);
  }
  if (!outcome.goes_on.empty()) {
    return outcome.goes_on;
  }
  const size_t failed = host_count - outcome.done.size();
  const auto in_the_way = static_cast<size_t>(
      std::count_if(failures.begin(), failures.end(),
                    [](const HostFailure& failure) { return failure.is_in_the_way; }));
  if (in_the_way > 0) {
    text += fmt::format(
        "\non {} of them something else is at {} already: use another tag, or replace what is "
        "there "
        "with --unsafe-please-delete",
        in_the_way, target_of(options));
  }
  if (end.is_remembered && failed > in_the_way) {
    text +=
        fmt::format("\n--retry-failed continues with the {} that lack it: `{}`",
                    failed - in_the_way, same_command_with(options.own_words, "--retry-failed"));
  }
  return text;
}

std::string folded(const Inventory& inventory, std::span<const HostIndex> hosts) {
  std::vector<std::string> names;
  for (const HostIndex host : hosts) {
    names.push_back(inventory.at(host).name);
  }
  return fold_node_set(names);
}

// The hosts that have it, when they are not simply those that got it.
std::string table_of_states(const Inventory& inventory, const DeployOutcome& outcome) {
  std::vector<HostIndex> fresh;
  std::set_difference(outcome.done.begin(), outcome.done.end(), outcome.already.begin(),
                      outcome.already.end(), std::back_inserter(fresh));
  std::vector<std::vector<std::string>> rows = {{"HOST", "COUNT", "STATE"}};
  for (const auto& [hosts, state] :
       {std::pair(&outcome.already, "already there"), std::pair(&std::as_const(fresh), "got it")}) {
    if (!hosts->empty()) {
      rows.push_back({folded(inventory, *hosts), fmt::format("{}", hosts->size()), state});
    }
  }
  return cli::format_table(rows);
}

std::string table_of_current(const Inventory& inventory, const DeployOutcome& outcome) {
  std::vector<std::vector<std::string>> rows = {{"HOST", "COUNT", "CURRENT"}};
  for (const auto& [tag, hosts] : hosts_by_current(outcome)) {
    rows.push_back({folded(inventory, hosts), fmt::format("{}", hosts.size()), tag});
  }
  return cli::format_table(rows);
}

Json json_of_current(const Inventory& inventory, const DeployOutcome& outcome) {
  Json current = Json::object();
  for (const auto& [host, tag] : outcome.current) {
    current[inventory.at(host).name] = tag.empty() ? Json() : Json(tag);
  }
  return current;
}

Json json_of_states(const Inventory& inventory, const DeployOutcome& outcome) {
  Json states = Json::object();
  for (const auto& [host, state] : outcome.states) {
    states[inventory.at(host).name] = host_state_name(state);
  }
  return states;
}

Json json_of(const std::vector<StageTime>& stages) {
  Json list = Json::array();
  for (const StageTime& stage : stages) {
    list.push_back({{"stage", stage.stage},
                    {"start_s", seconds_of(stage.start)},
                    {"seconds", seconds_of(stage.end - stage.start)}});
  }
  return list;
}

}  // namespace

int finish_deploy(Work& work, const DeployOptions& options, const DeployOutcome& outcome,
                  const DeployEnd& end) {
  if (!outcome.already.empty()) {
    work.context().print(table_of_states(work.inventory(), outcome));
    work.context().print("");
  }
  if (!outcome.not_activated.empty() && !outcome.current.empty()) {
    work.context().print(table_of_current(work.inventory(), outcome));
    work.context().print("");
  }
  const int code =
      work.finish(outcome.done.size(), summary_of(options, outcome, work.failures(), end),
                  {{"tag", options.tag},
                   {"info_hash", outcome.info_hash},
                   {"destination_path", options.destination_path},
                   {"hosts", end.host_count},
                   {"all_hosts", end.all_hosts > 0 ? end.all_hosts : end.host_count},
                   {"all_done", end.all_hosts > 0 ? end.all_done : outcome.done.size()},
                   {"other_names", json_of(work.inventory(), outcome.other_names)},
                   {"done", names_of(work.inventory(), outcome.done)},
                   {"already_there", names_of(work.inventory(), outcome.already)},
                   {"activated", outcome.is_activated},
                   {"states", json_of_states(work.inventory(), outcome)},
                   {"current", json_of_current(work.inventory(), outcome)},
                   {"stages", json_of(outcome.stages)},
                   {"way", options.rollout ? "coordinator" : "commands"},
                   {"why_commands", options.why_commands},
                   {"error", outcome.fatal ? Json() : Json(outcome.fatal.error().text)}});
  if (code == cli::exit_done && !outcome.fatal) {
    return cli::exit_failed;
  }
  return code == cli::exit_done && !outcome.not_activated.empty() ? exit_some_failed : code;
}

}  // namespace murder::fleet
