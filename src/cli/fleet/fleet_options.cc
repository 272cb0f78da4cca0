#include "cli/fleet/fleet_options.h"

#include <fmt/format.h>

#include <cstdlib>

#include "cli/fleet/reach/make_launcher.h"
#include "engine/base/port_range.h"
#include "engine/base/units.h"

namespace murder::fleet {
namespace {

constexpr const char* hosts_group = "Hosts";
constexpr const char* reach_group = "Reaching hosts";

void add_list(cli::ArgumentParser command, const std::string& name, std::vector<std::string>& list,
              const std::string& value, const std::string& description) {
  command.add_option(name, list, description)
      .type_name(value)
      .one_value_each_time()
      .completes(value == "FILE" ? cli::ValueKind::path : cli::ValueKind::hosts)
      .group(hosts_group);
}

void add_duration(cli::ArgumentParser command, const std::string& name,
                  std::optional<Duration>& duration, const std::string& description) {
  command.add_duration(name, duration, description).group(reach_group);
}

std::vector<HostEntry> entries_of(const std::vector<std::string>& node_sets,
                                  const std::string& where) {
  std::vector<HostEntry> entries;
  entries.reserve(node_sets.size());
  for (const std::string& node_set : node_sets) {
    entries.push_back({.node_set = node_set, .where = where});
  }
  return entries;
}

// The first that was said wins.
template <typename T>
T chosen(const std::optional<T>& flag, const std::optional<T>& config, T otherwise) {
  return flag.value_or(config.value_or(otherwise));
}

Result<Inventory> inventory_of(const FleetOptions& options, const Config& config) {
  InventoryInput input{.trackers = config.trackers,
                       .seeders = config.seeders,
                       .peers = config.peers,
                       .variables = config.variables,
                       .become = options.become || config.reach.become.value_or(false),
                       .named_trackers = entries_of(options.trackers, "--tracker"),
                       .named_seeders = entries_of(options.seeders, "--seeder"),
                       .named_peers = entries_of(options.hosts, "--host")};
  for (const std::string& path : options.hosts_paths) {
    Result<std::vector<HostEntry>> entries = load_hosts(path);
    if (!entries) {
      return fail(entries.error());
    }
    if (entries->empty()) {
      return fail(ErrorCode::invalid_input, fmt::format("--hosts {}: no host is in it", path));
    }
    input.named_peers.insert(input.named_peers.end(), entries->begin(), entries->end());
  }
  // Murder's own way to say it.
  if (const char* temp_path = std::getenv("temp_path"); temp_path != nullptr && *temp_path != 0) {
    input.variables.default_temp_path = temp_path;
  }
  if (options.remote_murder_path) {
    input.variables.remote_murder_path = *options.remote_murder_path;
  }
  if (options.tracker_port) {
    input.variables.tracker_port = *options.tracker_port;
  }
  if (!options.peer_port.empty()) {
    const Result<PortRange> ports = PortRange::parse(options.peer_port);
    if (!ports) {
      return fail(ErrorCode::invalid_input, "--peer-port " + ports.error().text);
    }
    input.variables.peer_port = ports->text();
  }
  if (!options.transport.empty()) {
    input.variables.transport = options.transport;
  }
  return resolve_inventory(input);
}

// What is written wrongly, in options or in a file, is wrong usage; a file that cannot be read is
// not.
template <typename Value>
Result<Value> or_usage(Result<Value> value, cli::CommandContext& context) {
  if (!value && value.error().code == ErrorCode::invalid_input) {
    return context.wrong_usage(value.error().text);
  }
  return value;
}

}  // namespace

void add_transport_option(cli::ArgumentParser command, FleetOptions& options) {
  command
      .add_option("--transport", options.transport,
                  "How hosts pass the release to each other: plain, or tls, encrypted with the\n"
                  "fleet key that each has in /etc/murder/fleet.key (default: transport of\n"
                  "murder.toml, else what the key file says, else plain)")
      .one_of({"plain", "tls"})
      .type_name("WAY");
}

void add_fleet_options(cli::ArgumentParser command, FleetOptions& options) {
  command
      .add_option("--config", options.config_path,
                  "What is known of the fleet (default: ./murder.toml, if it is there)")
      .type_name("FILE")
      .group(hosts_group);
  add_list(command, "--host", options.hosts, "A,B,w[01-20]",
           "The peers, in place of those of the configuration; their ports, users and racks\n"
           "are still taken from there");
  add_list(command, "--hosts", options.hosts_paths, "FILE",
           "The same from a file, - is standard input: a node set a line, behind it\n"
           "port=N, user=, ip=, rack=, address=, become or no_release");
  add_list(command, "--tracker", options.trackers, "HOSTS",
           "Where the tracker runs; several may be named (default: the first peer)");
  add_list(command, "--seeder", options.seeders, "HOST",
           "Where the release comes from (default: the first peer)");
  command
      .add_option("--remote-murder-path", options.remote_murder_path,
                  "Where murder is on the hosts (default: /opt/murder)")
      .type_name("DIR")
      .group(hosts_group);
  command.add_option("--tracker-port", options.tracker_port, "The tracker's port (default: 8998)")
      .in_range(1, 65535)
      .type_name("PORT")
      .group(hosts_group);
  command
      .add_option("--peer-port", options.peer_port,
                  "The ports on which hosts listen for each other, as 51000-51099: one for\n"
                  "each release that a host fetches or serves (default: any)")
      .type_name("RANGE")
      .group(hosts_group);
  ReachDefaults& reach = options.reach;
  command
      .add_option("--launcher", reach.launcher,
                  "ssh, clush (ClusterShell's tree, for thousands of hosts),\n"
                  "or exec:'CMD {host} {command}' (default: ssh)")
      .type_name("HOW")
      .completes({"ssh", "clush"})
      .group(reach_group);
  command
      .add_option("--ssh", reach.ssh,
                  "The command in place of ssh, as in --ssh 'ssh -F FILE' (default:\n"
                  "$MURDER_SSH, else ssh)")
      .type_name("COMMAND")
      .group(reach_group);
  command
      .add_flag("--become", options.become,
                "Run everything on the hosts as root, by sudo -n, which asks for nothing")
      .group(reach_group);
  command
      .add_option(
          "--forks", reach.forks,
          fmt::format("Hosts reached at the same time (default: {})", limits::forks_default))
      .in_range(1U, limits::forks_max)
      .type_name("N")
      .group(reach_group);
  command
      .add_option("--retries", reach.retries,
                  fmt::format("Further attempts at a host that is not reached (default: {})",
                              limits::retries_default))
      .in_range(0U, limits::retries_max)
      .type_name("N")
      .group(reach_group);
  add_duration(command, "--connect-timeout", reach.connect_timeout,
               fmt::format("For the way to a host (default: {})",
                           format_duration(limits::connect_timeout_default)));
  add_duration(command, "--command-timeout", reach.command_timeout,
               fmt::format("For one command on a host, 0 for none (default: {})",
                           format_duration(limits::command_timeout_default)));
}

Result<Inventory> load_inventory(const FleetOptions& options, cli::CommandContext& context) {
  const Result<Config> config = or_usage(load_config(options.config_path), context);
  if (!config) {
    return fail(config.error());
  }
  return or_usage(inventory_of(options, *config), context);
}

Result<Fleet> open_fleet(const FleetOptions& options, cli::CommandContext& context) {
  const Result<Config> config = or_usage(load_config(options.config_path), context);
  if (!config) {
    return fail(config.error());
  }
  Result<Inventory> inventory = or_usage(inventory_of(options, *config), context);
  if (!inventory) {
    return fail(inventory.error());
  }
  // Of the operator's own session: launchers that reach hosts without ssh would hand it on.
  unsetenv("SSH_CONNECTION");
  Fleet fleet{.inventory = std::make_unique<Inventory>(std::move(*inventory)),
              .config_path = config->path};
  const ReachDefaults& flags = options.reach;
  const ReachDefaults& file = config->reach;
  // What stands in the environment is nearer than what stands in a file.
  const bool has_variable = std::getenv("MURDER_SSH") != nullptr;
  auto launcher = or_usage(
      make_launcher({.launcher = chosen<std::string>(flags.launcher, file.launcher, "ssh"),
                     .ssh_command = flags.ssh.value_or(has_variable ? "" : file.ssh.value_or("")),
                     .connect_timeout = chosen(flags.connect_timeout, file.connect_timeout,
                                               limits::connect_timeout_default),
                     .run_directory = context.run_directory},
                    *fleet.inventory),
      context);
  if (!launcher) {
    return fail(launcher.error());
  }
  fleet.launcher = std::move(*launcher);
  fleet.run.forks = chosen(flags.forks, file.forks, uint32_t{limits::forks_default});
  fleet.run.retries = chosen(flags.retries, file.retries, uint32_t{limits::retries_default});
  fleet.run.command_timeout =
      chosen(flags.command_timeout, file.command_timeout, limits::command_timeout_default);
  return fleet;
}

}  // namespace murder::fleet
