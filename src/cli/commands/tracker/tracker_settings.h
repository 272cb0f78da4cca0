// What `murder tracker` was told: its command line, then its file, then defaults.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/base/instant.h"
#include "engine/base/result.h"
#include "engine/trust/enrolment.h"
#include "tracker/tracker_server.h"

namespace murder::cli {

// The options of the command line, as far as they were given.
struct TrackerWords {
  std::vector<std::string> listen;
  std::string racks_path;
  std::string config_path;
  std::string fleet_key_path;
  bool is_open = false;
  std::string tls_cert_path;  // https in place of http
  std::string tls_key_path;
  std::optional<Duration> idle_max;
  std::string state;        // where the coordinator keeps its state
  std::string data;         // and its copies of releases
  std::string enrol;        // how it learns which key is whose agent's
  Duration deploy_lease{};  // of a deploy's coordinator; zero: it is none
};

// What it comes to.
struct TrackerSettings {
  tracker::TrackerOptions tracker;
  std::string state;  // of the coordinator; empty: there is none
  std::string data;   // where it keeps copies of releases; empty: in `state`
  trust::Enrolment enrol;
  std::string fleet_key_path;         // empty: it has no key
  std::string transport;              // of its copies of releases; empty: what the key file says
  bool orders_from_anywhere = false;  // of an open coordinator
  Duration deploy_lease{};            // as in TrackerWords
};

// "192.0.2.1:8998", "[::]:8998", or an address without a port.
[[nodiscard]] Result<Endpoint> parse_listen(const std::string& text, uint16_t port_default);

// Reads the files that are named. Errors say which file, and which line.
[[nodiscard]] Result<TrackerSettings> tracker_settings(const TrackerWords& words);

// What a person should know of them: the certificate ends soon. Empty: nothing.
[[nodiscard]] std::string settings_warning(const TrackerSettings& settings, int64_t now_s);

// The names of settings that differ and hold only from a restart on: "listen, connections".
[[nodiscard]] std::string settings_for_restart(const TrackerSettings& running,
                                               const TrackerSettings& wanted);

}  // namespace murder::cli
