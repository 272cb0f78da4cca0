// What an agent is told by its configuration. Plain values; everything that is run or written to is
// named here, and nothing of it by the network.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "agent/bounds.h"
#include "engine/base/endpoint.h"
#include "engine/base/instant.h"
#include "engine/codec/server_place.h"

namespace murder::agent {

struct AppOptions {
  std::string name;
  std::string to;                     // the directory of releases, absolute
  std::string owner;                  // "USER[:GROUP]"; empty: whoever runs the agent
  uint32_t keep_releases = 5;         // besides the current one and the one before it; 0: all stay
  std::string download_limit;         // as --download-limit of `murder peer`; empty: none
  std::string upload_limit;           // likewise
  bool no_sync = false;               // likewise
  bool unsafe_please_delete = false;  // likewise
  std::string user;                   // likewise; empty: whoever runs the agent
  std::string max_unpacked;           // likewise; empty: what the torrent states
  bool xattrs = false;                // likewise
  bool keep_setid = false;            // likewise
  bool is_recorded = true;            // its releases may be activated and removed
  std::string metrics_file;           // of the peer; empty: none
  std::optional<std::string> application;  // that it is signed for; empty: any; nothing: `name`
  std::string before_activate;             // as after_activate
  std::string after_activate;              // for `sh -c`; empty: nothing is run
  std::string health;                      // likewise
  std::string health_url;                  // http://...; at most one of the two
  Duration hook_time_max = std::chrono::minutes(5);
  Duration health_time_max = std::chrono::seconds(10);

  [[nodiscard]] bool has_health_check() const { return !health.empty() || !health_url.empty(); }
  bool operator==(const AppOptions&) const = default;
};

struct AgentOptions {
  std::string host;  // this host's name
  std::string rack;
  std::vector<std::string> groups;
  std::vector<codec::ServerPlace> coordinators;  // at least one
  std::vector<AppOptions> apps;
  std::string state_directory;  // absolute
  std::string temp_path;        // of archives; empty: in the state directory
  bool keep_archives = false;   // of a deploy: they stay in temp_path
  std::string fleet_key;        // a file; empty: the default one, if there is one
  bool is_open = false;
  bool is_of_a_deploy = false;  // it was started for one, and ends with it
  std::string transport;        // "plain" or "tls"; empty: what the key file says
  std::string host_key;         // a file with the host's ssh key; empty: the default one
  std::string allowed_signers;  // a file; empty: the default one, if there is one
  std::string metrics_file;     // empty: none
  std::string ip;               // of this host, for other peers; empty: found out
  std::string peer_port;        // a port or a range of them; empty: any free one
  Duration seed_for = std::chrono::seconds(30);
  Duration tidy_after = limits::agent_tidy_after;

  bool operator==(const AgentOptions&) const = default;
};

}  // namespace murder::agent
