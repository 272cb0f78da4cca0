// Reads what was written down about the fleet: murder.toml, files of hosts, and the command line.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/fleet/plan/inventory.h"
#include "engine/base/instant.h"
#include "engine/base/result.h"

namespace murder::fleet {

// [fleet] of murder.toml: defaults of the flags of the same names.
struct ReachDefaults {
  std::optional<std::string> launcher;
  std::optional<std::string> ssh;
  std::optional<bool> become;
  std::optional<uint32_t> forks;
  std::optional<uint32_t> retries;
  std::optional<Duration> connect_timeout;
  std::optional<Duration> command_timeout;
};

struct Config {
  std::vector<HostEntry> trackers;
  std::vector<HostEntry> seeders;
  std::vector<HostEntry> peers;
  Variables variables;
  ReachDefaults reach;
  std::vector<std::string> coordinators;  // HOST:PORT or ssh://HOST
  std::string path;                       // where it came from; empty: there is none
};

// The text of a murder.toml; `path` is for errors, which name the line. Unknown keys are errors.
[[nodiscard]] Result<Config> parse_config(std::string_view text, const std::string& path);

// `option` (--config), else murder.toml of the working directory, else nothing but defaults.
[[nodiscard]] Result<Config> load_config(const std::string& option);

// A file of hosts: a node set a line, behind it what holds for its hosts; # begins a comment.
//   w[001-120]
//   w200 port=2222 user=deploy ip=10.0.0.7 rack=r7 become no_release
[[nodiscard]] Result<std::vector<HostEntry>> parse_hosts(std::string_view text,
                                                         const std::string& path);
// "-" is standard input.
[[nodiscard]] Result<std::vector<HostEntry>> load_hosts(const std::string& path);

}  // namespace murder::fleet
