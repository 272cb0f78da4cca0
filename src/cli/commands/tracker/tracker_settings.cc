#include "cli/commands/tracker/tracker_settings.h"

#include <fmt/format.h>

#include "cli/commands/tracker/bounds.h"
#include "cli/commands/tracker/load_certificate.h"
#include "cli/commands/tracker/tracker_config.h"
#include "engine/archive/file.h"
#include "engine/host/fleet_key_file.h"
#include "engine/trust/time_text.h"
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

const std::string& either(const std::string& word, const std::string& configured) {
  return word.empty() ? configured : word;
}

Result<std::optional<tls::ServerContext>> certificate_of(const TrackerWords& words,
                                                         const TrackerConfig& config) {
  return load_certificate({.certificate = either(words.tls_cert_path, config.tls_cert_path),
                           .key = either(words.tls_key_path, config.tls_key_path)});
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
  Result<std::optional<tls::ServerContext>> certificate = certificate_of(words, *config);
  if (!certificate) {
    return fail(certificate.error());
  }
  options.tunables.certificate = std::move(*certificate);
  settings.orders_from_anywhere = is_open;
  // Seeders that it starts are closed as it is, also when the default file is gone by then.
  settings.fleet_key_path = !*keys ? "" : key_path.empty() ? host::fleet_key_path() : key_path;
  settings.transport = config->transport;
  options.tunables.hosts_max = config->hosts_max.value_or(options.tunables.hosts_max);
  options.tunables.releases_max = config->releases_max.value_or(options.tunables.releases_max);
  options.connections_max = config->connections_max.value_or(options.connections_max);
  options.reloads = !words.config_path.empty() || options.tunables.certificate;
  return settings;
}

std::string settings_warning(const TrackerSettings& settings, int64_t now_s) {
  const std::optional<tls::ServerContext>& certificate = settings.tracker.tunables.certificate;
  constexpr int64_t day_s = int64_t{24} * 60 * 60;
  const int64_t left_s = certificate ? certificate->expires_s() - now_s : 0;
  if (!certificate || left_s > limits::certificate_warning_days * day_s) {
    return {};
  }
  const std::string end = trust::time_text_of(static_cast<uint64_t>(certificate->expires_s()));
  return left_s < 0 ? fmt::format(
                          "the certificate ended at {}: only clients that pin its key connect", end)
                    : fmt::format("the certificate ends at {}, in {} days", end, left_s / day_s);
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
  if (running.tracker.tunables.certificate.has_value() !=
      wanted.tracker.tunables.certificate.has_value()) {
    add("tls_cert");
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
