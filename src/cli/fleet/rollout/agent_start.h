// How the agent of a deploy is started on a host: its command line, and what it reads from standard
// input (agent.toml). Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "cli/fleet/plan/inventory.h"
#include "cli/fleet/plan/remote_command.h"
#include "cli/ui/tree_options.h"

namespace murder::fleet {

struct AgentStart {
  std::string coordinator;  // "10.0.0.1:8998"
  std::string host;         // what the coordinator calls it
  std::string ip;
  std::string rack;
  std::string peer_port;
  std::string metrics_file;  // of its peer
  std::string temp_path;
  std::string transport;  // "plain", "tls"; empty: what the hosts' key files say
  std::string app;        // its name
  std::string to;
  std::string application;     // that signatures are for; empty: none
  uint32_t keep_releases = 0;  // 0: all
  LinkLimits limits;
  bool no_sync = false;
  bool unsafe_please_delete = false;
  bool keep_archives = false;
  bool is_recorded = true;
  cli::PlacingOptions placing;
  std::string health;
  std::string before_activate;
  std::string after_activate;
};

[[nodiscard]] std::string agent_config_text(const AgentStart& start);
// What the deploy is, for its lock on that host.
struct AgentWords {
  std::string token;
  std::string tag;
  std::string owner;   // user@host
  std::string origin;  // the process that deploys
};
// It returns when the coordinator was heard, or soon if its port is not reached from there: then
// with an error of this code.
[[nodiscard]] std::string agent_start_command(std::string_view remote_murder_path,
                                              const AgentWords& words);
inline constexpr std::string_view agent_unconnected_code = "network";
// The same agent, for which somebody passes on what it says by standard input and output.
[[nodiscard]] std::string agent_channel_command(std::string_view remote_murder_path,
                                                const AgentWords& words);
// And, on the coordinator's host, who passes it on to that port.
[[nodiscard]] std::string relay_command(std::string_view remote_murder_path, uint16_t port);

// What the coordinator calls the host of that number: its name, where that is one that it takes.
[[nodiscard]] std::string agent_name_of(const Host& host, uint32_t number);

}  // namespace murder::fleet
