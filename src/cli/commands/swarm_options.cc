#include "cli/commands/swarm_options.h"

#include <fmt/format.h>

#include "cli/ui/given_address.h"
#include "cli/ui/metrics_option.h"
#include "engine/base/host_name.h"
#include "engine/base/rack.h"
#include "engine/base/units.h"
#include "engine/host/cgroup_limits.h"
#include "engine/host/fleet_key_file.h"
#include "engine/tls/server_trust.h"

namespace murder::cli {
namespace {

constexpr uint32_t shards_max = 64;

node::SendPath send_path_of(std::string_view name) {
  if (name == "copy") {
    return node::SendPath::copy;
  }
  if (name == "zc") {
    return node::SendPath::zero_copy;
  }
  return name == "splice" ? node::SendPath::splice : node::SendPath::automatic;
}

}  // namespace

void add_swarm_options(ArgumentParser command, SwarmOptions& options) {
  command
      .add_option("--ip", options.ip,
                  "This host's address for other peers; default: the one its connection to the "
                  "tracker leaves from")
      .type_name("ADDRESS");
  command
      .add_option("--peer-port,--port", options.ports,
                  "TCP port for peers, or a range of which the first free one is taken\n"
                  "(51000-51099); default: any free one")
      .type_name("RANGE");
  command
      .add_option("--label", options.label,
                  "What the tracker's page calls this host; default: its host name")
      .type_name("NAME");
  command
      .add_option("--rack", options.rack,
                  "Where this host stands: most of the data then comes from hosts of the same rack")
      .type_name("NAME");
  command.add_option("--shards", options.shards, "Threads that share the work, one per core")
      .in_range(1, shards_max)
      .type_name("N")
      .show_default();
  command.add_size("--memory", options.memory_bytes,
                   "Memory for pieces on their way; default 64MiB, less where the memory of this "
                   "process is limited (a control group, ulimit -v)");
  command.add_flag("--page-cache", options.page_cache,
                   "Write pieces through the page cache; default: past it (O_DIRECT), which takes "
                   "no memory from others, where the file system can");
  command.add_rate("--upload-limit", options.upload_limit,
                   "Send at most this much a second (400MB, 10gbit); default: no limit");
  command.add_rate("--download-limit", options.download_limit,
                   "Receive at most this much a second; default: no limit");
  command
      .add_option("--send-path", options.send_path,
                  "How payload is sent: auto, copy (through memory of the process), zc (from there "
                  "without a copy), splice (from the page cache)")
      .one_of({"auto", "copy", "zc", "splice"})
      .type_name("HOW")
      .show_default();
  add_metrics_option(command, options.metrics_path);
  add_fleet_key_options(command, options.fleet_key_path, options.is_open);
  command
      .add_option("--transport", options.transport,
                  "How peers speak: plain, or tls, encrypted with the fleet key. All hosts of a\n"
                  "release have the same; default: tls where the key file has a line\n"
                  "`transport tls`, else plain")
      .one_of({"plain", "tls"})
      .type_name("WAY");
  command.add_size(
      "--rekey-after", options.rekey_bytes,
      "With --transport tls, send this much with one key, 16MiB to 1GiB; default 1GiB");
  command
      .add_option("--pin", options.pins,
                  "Take an https:// server (a tracker, or where the torrent is) for the right one\n"
                  "if it has this public key, SHA256:..., whatever its certificate says; may be\n"
                  "given several times. Default: the authorities of this host")
      .type_name("KEY")
      .one_value_each_time();
}

Result<std::string> pins_of(const SwarmOptions& options, CommandContext& context) {
  std::string pins;
  for (const std::string& pin : options.pins) {
    pins += (pins.empty() ? "" : ",") + pin;
  }
  if (const auto parsed = tls::parse_pins(pins); !parsed) {
    return context.wrong_usage("--pin: " + parsed.error().text);
  }
  return pins;
}

void add_fleet_key_options(ArgumentParser command, std::string& path, bool& is_open) {
  command
      .add_option(
          "--fleet-key", path,
          "Take part with hosts alone that prove a key of this file (murder key new-fleet);\n"
          "default: /etc/murder/fleet.key, if it is there")
      .type_name("FILE");
  command.add_flag("--open", is_open,
                   "Take part with everybody, stock BitTorrent clients included, and use no key");
}

Result<std::optional<trust::FleetKeys>> fleet_keys_of(const std::string& path, bool is_open,
                                                      CommandContext& context) {
  if (is_open && !path.empty()) {
    return context.wrong_usage("--open and --fleet-key do not go together");
  }
  return host::fleet_keys_for(path, is_open);
}

Result<node::NodeOptions> node_options_of(const SwarmOptions& options, CommandContext& context) {
  node::NodeOptions node;
  if (!options.ip.empty()) {
    const bool has_brackets = options.ip.starts_with('[') && options.ip.ends_with(']');
    const std::string ip = has_brackets ? options.ip.substr(1, options.ip.size() - 2) : options.ip;
    if (Status given = check_given_address(ip); !given) {
      return context.wrong_usage("--ip " + given.error().text);
    }
    node.ip = IpAddress::parse(ip);
    if (!node.ip || node.ip->is_unspecified()) {
      return context.wrong_usage(
          fmt::format("--ip {}: write a numeric address, such as 10.0.0.7", options.ip));
    }
  }
  const uint64_t memory_bytes = options.memory_bytes == memory_automatic
                                    ? host::memory_budget_of(host::memory_limit())
                                    : options.memory_bytes;
  if (memory_bytes < host::memory_bytes_min) {
    return context.wrong_usage(
        fmt::format("--memory: {} is too little, {} is the least (write a unit: 64MiB)",
                    format_size(memory_bytes), format_size(host::memory_bytes_min)));
  }
  if (!options.rack.empty()) {
    if (Status named = validate_rack_name(options.rack); !named) {
      return context.wrong_usage(fmt::format("--rack {}", named.error().text));
    }
  }
  if (!options.ports.empty() && options.ports != "0") {
    const Result<PortRange> ports = PortRange::parse(options.ports);
    if (!ports) {
      return context.wrong_usage(fmt::format("--peer-port {}", ports.error().text));
    }
    node.ports = *ports;
  }
  if (options.rekey_bytes < limits::tls_rekey_bytes_min ||
      options.rekey_bytes > limits::tls_rekey_bytes) {
    return context.wrong_usage(fmt::format("--rekey-after: write a size from {} to {}",
                                           format_size(limits::tls_rekey_bytes_min),
                                           format_size(limits::tls_rekey_bytes)));
  }
  node.rekey_bytes = options.rekey_bytes;
  Result<std::string> pins = pins_of(options, context);
  if (!pins) {
    return fail(pins.error());
  }
  node.pins = std::move(*pins);
  node.rack = options.rack;
  node.host_label = options.label.empty() ? own_host_name() : options.label;
  node.shard_count = options.shards;
  node.memory_bytes = memory_bytes;
  node.direct_io = !options.page_cache;
  node.send_path = send_path_of(options.send_path);
  node.upload_limit = options.upload_limit;
  node.download_limit = options.download_limit;
  return node;
}

Status take_fleet_keys(const SwarmOptions& options, const host::TorrentInput& torrent,
                       CommandContext& context, node::NodeOptions& node) {
  if (torrent.fleet_keys && (options.is_open || !options.fleet_key_path.empty())) {
    return context.wrong_usage(
        "--open and --fleet-key do not go together with a key in front of the torrent");
  }
  Result<std::optional<trust::FleetKeys>> keys =
      fleet_keys_of(options.fleet_key_path, options.is_open, context);
  if (!keys) {
    return fail(keys.error());
  }
  // A key file of this host that says "transport tls" says so for a deploy's key as well.
  const bool demands_tls =
      (*keys && (*keys)->has_tls) || (torrent.fleet_keys && torrent.fleet_keys->has_tls);
  node.fleet_keys = torrent.fleet_keys ? torrent.fleet_keys : std::move(*keys);
  if (demands_tls && options.transport == "plain") {
    return context.wrong_usage(
        "--transport plain: the key file of this fleet says \"transport tls\"");
  }
  node.is_encrypted = demands_tls || options.transport == "tls";
  if (node.is_encrypted && !node.fleet_keys) {
    return context.wrong_usage(
        options.is_open
            ? "--transport tls encrypts with the fleet key: it does not go together with --open"
            : "--transport tls encrypts with the fleet key, and there is none: make one (murder "
              "key new-fleet) and put it into /etc/murder/fleet.key of every host, or name its "
              "file with --fleet-key");
  }
  return {};
}

}  // namespace murder::cli
