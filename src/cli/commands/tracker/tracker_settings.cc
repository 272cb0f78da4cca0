#include "cli/commands/tracker/tracker_settings.h"

#include <fmt/format.h>

#include "cli/commands/tracker/tracker_config.h"
#include "engine/archive/file.h"
#include "engine/host/fleet_key_file.h"
#include "tracker/bounds.h"

namespace murder::cli {
namespace {

// Where it listens when nobody says: all addresses.
constexpr const char* any_address = "[::]";

Result<tracker::RackTable> load_racks(const std::string& path) {
  const Result<std::string> text = archive::read_whole_file(path, limits::rack_file_bytes_max);
  if (!text) {
    return fail(text.error());
  }
  return tracker::RackTable::parse(*text, path);
}

Status set_listen(const TrackerWords& words, const TrackerConfig& config,
                  tracker::TrackerOptions& options) {
  const bool is_named = !words.listen.empty();
  std::vector<std::string> texts = is_named ? words.listen : config.listen;
  if (texts.empty()) {
    texts = {any_address};
  }
  options.listen.clear();
  for (const std::string& text : texts) {
    const Result<Endpoint> endpoint =
        parse_listen(text, config.port.value_or(tracker::port_default));
    if (!endpoint) {
      return fail(endpoint.error().code,
                  is_named
                      ? fmt::format("--listen {}", endpoint.error().text)
                      : fmt::format("{}: listen {}", words.config_path, endpoint.error().text));
    }
    options.listen.push_back(*endpoint);
  }
  return {};
}

}  // namespace

Result<Endpoint> parse_listen(const std::string& text, uint16_t port_default) {
  if (const std::optional<HostPort> parts = HostPort::parse(text, port_default)) {
    if (const std::optional<IpAddress> address = IpAddress::parse(parts->host)) {
      return Endpoint{.address = *address, .port = parts->port};
    }
  }
  return fail(ErrorCode::invalid_input,
              fmt::format("{}: write an address of this host and a port, such as "
                          "10.0.0.7:{}, or [::]:{} for all addresses",
                          text, tracker::port_default, tracker::port_default));
}

Result<TrackerSettings> tracker_settings(const TrackerWords& words) {
  Result<TrackerConfig> config = TrackerConfig{};
  if (!words.config_path.empty()) {
    config = load_tracker_config(words.config_path);
    if (!config) {
      return fail(config.error());
    }
  }
  TrackerSettings settings{.state = words.state.empty() ? config->state : words.state,
                           .data = words.data.empty() ? config->data : words.data};
  const std::string& enrol = words.enrol.empty() ? config->enrol : words.enrol;
  if (settings.state.empty() && !(enrol.empty() && settings.data.empty())) {
    return fail(ErrorCode::invalid_input,
                fmt::format("{} is of a coordinator: give it a state (--state DIR)",
                            enrol.empty() ? "a directory for copies (data)" : "enrol"));
  }
  settings.deploy_lease = words.deploy_lease;
  if (!enrol.empty()) {
    Result<trust::Enrolment> enrolment = trust::parse_enrolment(enrol);
    if (!enrolment) {
      return fail(enrolment.error());
    }
    settings.enrol = std::move(*enrolment);
  }
  tracker::TrackerOptions& options = settings.tracker;
  if (Status listen = set_listen(words, *config, options); !listen) {
    return fail(listen.error());
  }
  const std::string& racks_path = words.racks_path.empty() ? config->racks_path : words.racks_path;
  if (!racks_path.empty()) {
    Result<tracker::RackTable> racks = load_racks(racks_path);
    if (!racks) {
      return fail(racks.error());
    }
    options.tunables.racks = std::move(*racks);
  } else if (config->racks) {
    options.tunables.racks = std::move(*config->racks);
  }
  const Duration never{};
  options.tunables.idle_max = words.idle_max ? *words.idle_max : config->idle_max.value_or(never);
  const std::string& key_path =
      words.fleet_key_path.empty() ? config->fleet_key_path : words.fleet_key_path;
  const bool is_open = words.is_open || (words.fleet_key_path.empty() && config->is_open);
  Result<std::optional<trust::FleetKeys>> keys =
      host::fleet_keys_for(is_open ? "" : key_path, is_open);
  if (!keys) {
    return fail(keys.error());
  }
  if (config->transport == "tls" && !*keys) {
    return fail(
        ErrorCode::invalid_input,
        fmt::format("{}: transport = \"tls\" encrypts with the fleet key, and there is none",
                    words.config_path));
  }
  options.tunables.fleet_keys = *keys;
  settings.orders_from_anywhere = is_open;
  settings.fleet_key_path = is_open ? "" : key_path;
  settings.transport = config->transport;
  options.tunables.hosts_max = config->hosts_max.value_or(options.tunables.hosts_max);
  options.tunables.releases_max = config->releases_max.value_or(options.tunables.releases_max);
  options.connections_max = config->connections_max.value_or(options.connections_max);
  options.reloads = !words.config_path.empty();
  return settings;
}

std::string settings_for_restart(const TrackerSettings& running, const TrackerSettings& wanted) {
  std::string names;
  const auto add = [&names](const char* name) {
    names += names.empty() ? "" : ", ";
    names += name;
  };
  if (running.tracker.listen != wanted.tracker.listen) {
    add("listen");
  }
  if (running.tracker.connections_max != wanted.tracker.connections_max) {
    add("limits.connections");
  }
  if (running.tracker.tunables.fleet_keys.has_value() !=
      wanted.tracker.tunables.fleet_keys.has_value()) {
    add("fleet_key");
  }
  if (running.enrol != wanted.enrol) {
    add("enrol");
  }
  if (running.state != wanted.state) {
    add("state");
  }
  if (running.transport != wanted.transport) {
    add("transport");
  }
  return names;
}

}  // namespace murder::cli
