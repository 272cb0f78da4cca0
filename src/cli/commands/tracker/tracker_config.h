// The file of `murder tracker --config`: tracker.toml.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/instant.h"
#include "engine/base/result.h"
#include "engine/trust/enrolment.h"
#include "tracker/rack_table.h"

namespace murder::cli {

// What the file says; nothing of what it does not say.
struct TrackerConfig {
  std::vector<std::string> listen;  // empty: not named
  std::optional<uint16_t> port;     // of addresses that name none
  std::string racks_path;           // a file of networks and racks
  std::optional<tracker::RackTable> racks;
  std::optional<Duration> idle_max;
  std::string fleet_key_path;
  bool is_open = false;
  std::string tls_cert_path;  // https in place of http
  std::string tls_key_path;
  std::string state;      // where the coordinator keeps its state; empty: there is none
  std::string data;       // and its copies of releases; empty: with its state
  std::string enrol;      // as trust::parse_enrolment() reads it; empty: not said
  std::string transport;  // of those copies; empty: what the key file says
  std::optional<uint32_t> connections_max;
  std::optional<uint32_t> hosts_max;
  std::optional<uint32_t> releases_max;
};

// Errors name the line. Unknown keys are errors. `path` is for their texts.
[[nodiscard]] Result<TrackerConfig> parse_tracker_config(std::string_view text,
                                                         const std::string& path);
[[nodiscard]] Result<TrackerConfig> load_tracker_config(const std::string& path);

}  // namespace murder::cli
