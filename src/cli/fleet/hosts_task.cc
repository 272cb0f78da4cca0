// murder fleet hosts: what the inventory came to. Reaches nobody.
#include <fmt/format.h>

#include "cli/fleet/fleet.h"
#include "cli/fleet/fleet_options.h"
#include "cli/ui/table.h"

namespace murder::fleet {
namespace {

std::vector<std::vector<Role>> roles_of(const Inventory& inventory) {
  std::vector<std::vector<Role>> roles(inventory.hosts.size());
  for (const Role role : {Role::tracker, Role::seeder, Role::peer}) {
    for (const HostIndex index : inventory.role(role)) {
      roles[index.raw].push_back(role);
    }
  }
  return roles;
}

std::string or_dash(const std::string& text) {
  return text.empty() ? "-" : text;
}

Json json_of(const Host& host, const std::vector<Role>& roles) {
  Json names = Json::array();
  for (const Role role : roles) {
    names.push_back(role_name(role));
  }
  Json json = {{"host", host.name}, {"address", host.address}, {"roles", names}};
  if (host.port != 0) {
    json["port"] = host.port;
  }
  for (const auto& [key, text] :
       {std::pair("user", &host.user), std::pair("ip", &host.ip), std::pair("rack", &host.rack)}) {
    if (!text->empty()) {
      json[key] = *text;
    }
  }
  json["no_release"] = host.no_release;
  return json;
}

std::vector<std::string> row_of(const Host& host, const std::vector<Role>& roles) {
  std::string names;
  for (const Role role : roles) {
    names += names.empty() ? "" : ",";
    names += role_name(role);
  }
  if (host.no_release) {
    names += names.empty() ? "(no release)" : " (no release)";
  }
  return {host.name,          host.address,     host.port == 0 ? "-" : fmt::format("{}", host.port),
          or_dash(host.user), or_dash(host.ip), or_dash(host.rack),
          or_dash(names)};
}

Json json_of(const Variables& variables) {
  return {{"default_tag", variables.default_tag},
          {"default_seeder_files_path", variables.default_seeder_files_path},
          {"default_destination_path", variables.default_destination_path},
          {"remote_murder_path", variables.remote_murder_path},
          {"default_temp_path", variables.default_temp_path},
          {"tracker_port", variables.tracker_port},
          {"peer_port", variables.peer_port},
          {"metrics_file", variables.metrics_file},
          {"transport", variables.transport}};
}

Result<int> run_hosts(const FleetOptions& options, cli::CommandContext& context) {
  const Result<Inventory> inventory = load_inventory(options, context);
  if (!inventory) {
    return fail(inventory.error());
  }
  const std::vector<std::vector<Role>> roles = roles_of(*inventory);
  std::vector<std::vector<std::string>> rows = {
      {"HOST", "ADDRESS", "PORT", "USER", "IP", "RACK", "ROLES"}};
  Json hosts = Json::array();
  for (size_t index = 0; index < inventory->hosts.size(); ++index) {
    rows.push_back(row_of(inventory->hosts[index], roles[index]));
    hosts.push_back(json_of(inventory->hosts[index], roles[index]));
  }
  context.print(cli::format_table(rows));
  context.note(
      fmt::format("{} hosts, {} of them peers", inventory->hosts.size(), inventory->peers.size()));
  context.print_json({{"hosts", hosts},
                      {"tracker_urls", inventory->tracker_urls()},
                      {"variables", json_of(inventory->variables)}});
  return cli::exit_done;
}

}  // namespace

void add_hosts_task(cli::ArgumentParser fleet, cli::CommandContext& context) {
  auto [command, options] = cli::add_command<FleetOptions>(
      fleet, context,
      {.name = "hosts",
       .description = "Show which hosts there are and what their roles are; reaches none of them",
       .example = "murder fleet hosts\nmurder fleet hosts --host 'w[001-120]' --tracker tracker01"},
      run_hosts);
  add_fleet_options(command, options);
}

}  // namespace murder::fleet
