#include "cli/fleet/same_machine.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <unordered_map>

namespace murder::fleet {
namespace {

void tell_other_name(Work& work, const OtherName& names) {
  const std::string& name = work.inventory().at(names.name).name;
  const std::string& machine = work.inventory().at(names.machine).name;
  work.view().note(
      fmt::format("{} and {} are names of one machine: done once, as {}", name, machine, machine));
}

}  // namespace

void drop_if_other_name(DeployRun& run, HostIndex host, std::vector<OtherName>& names,
                        const std::function<bool(HostIndex)>& has_begun) {
  const std::string& machine = run.work.facts_of(host).machine;
  if (machine.empty() || !run.at(host).is_peer) {
    return;
  }
  for (const HostIndex other : run.work.inventory().peers) {
    const DeployHost& there = run.at(other);
    if (other == host || !there.is_peer || there.reach != Reach::ready ||
        run.work.facts_of(other).machine != machine) {
      continue;
    }
    const bool is_first = host < other && !has_begun(other);
    names.push_back({.name = is_first ? other : host, .machine = is_first ? host : other});
    run.at(names.back().name).is_peer = false;
    tell_other_name(run.work, names.back());
    return;
  }
}

std::vector<OtherName> drop_other_names(Work& work, std::vector<HostIndex>& hosts) {
  std::vector<OtherName> names;
  std::unordered_map<std::string, HostIndex> seen;
  std::erase_if(hosts, [&](HostIndex host) {
    const std::string& machine = work.facts_of(host).machine;
    if (machine.empty()) {
      return false;
    }
    const auto [place, is_first] = seen.emplace(machine, host);
    if (!is_first) {
      names.push_back({.name = host, .machine = place->second});
    }
    return !is_first;
  });
  for (const OtherName& each : names) {
    tell_other_name(work, each);
  }
  return names;
}

std::vector<OtherName> meet_machines(Work& work, std::vector<HostIndex>& hosts) {
  if (hosts.size() < 2) {
    return {};
  }
  work.meet(hosts);
  return drop_other_names(work, hosts);
}

Json json_of(const Inventory& inventory, std::span<const OtherName> names) {
  Json json = Json::object();
  for (const OtherName& each : names) {
    json[inventory.at(each.name).name] = inventory.at(each.machine).name;
  }
  return json;
}

}  // namespace murder::fleet
