// Which hosts there are, what their roles are and what holds for them: values, resolved once. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "engine/base/types.h"

namespace murder::fleet {

using HostIndex = StrongIndex<struct HostIndexKind>;  // position in Inventory::hosts

enum class Role : uint8_t { tracker, seeder, peer };

[[nodiscard]] std::string_view role_name(Role role);  // "tracker", "seeder", "peer"

// One host. What is empty (port 0) is left to ssh and its configuration.
struct Host {
  std::string name;     // unique; what reports call it
  std::string address;  // what ssh is given; the name unless it was set
  uint16_t port = 0;    // of ssh
  std::string user;     // of ssh
  std::string ip;       // the address peers use for it (murder seed|peer --ip, the tracker's URL)
  std::string rack;
  bool become = false;      // commands run as root there (sudo -n)
  std::string reached_at;   // where ssh's connection arrived there, once it is known (HostFacts)
  bool no_release = false;  // reached for its other roles only; never a peer

  // By what other hosts reach it: no name that they would have to resolve, as far as is known.
  [[nodiscard]] const std::string& place() const {
    return !ip.empty() ? ip : !reached_at.empty() ? reached_at : address;
  }
  bool operator==(const Host&) const = default;
};

// Murder's own variables ([murder] in murder.toml).
struct Variables {
  std::string default_tag;
  std::string default_seeder_files_path;
  std::string default_destination_path;
  std::string remote_murder_path = "/opt/murder";
  std::string default_temp_path = "/tmp";
  uint16_t tracker_port = 8998;
  std::string peer_port;     // a range of ports that hosts listen on for each other; empty: any
  std::string metrics_file;  // --metrics-file of peers; empty: they write none
  std::string sign_key;      // what releases are signed with; empty: they are not
  std::string application;   // what they are releases of, in what is signed
  std::string transport;     // --transport of seeders and peers; empty: theirs

  bool operator==(const Variables&) const = default;
};

struct Inventory {
  std::vector<Host> hosts;  // each once, in the order in which they were named
  std::vector<HostIndex> trackers;
  std::vector<HostIndex> seeders;
  std::vector<HostIndex> peers;
  Variables variables;
  // Roles that nobody was named for: the first peer has them, and a deploy gives them to the first
  // of `default_order` that answers.
  bool is_tracker_default = false;
  bool is_seeder_default = false;
  std::vector<HostIndex> default_order;

  [[nodiscard]] const Host& at(HostIndex index) const { return hosts[index.raw]; }
  [[nodiscard]] const std::vector<HostIndex>& role(Role role) const;
  // Every host that has a role: what distribute-files reaches. In the order of `hosts`.
  [[nodiscard]] std::vector<HostIndex> all() const;
  [[nodiscard]] std::optional<HostIndex> find(std::string_view name) const;
  // Where the peers reach the trackers: "http://IP-OR-ADDRESS:TRACKER_PORT/announce" each.
  [[nodiscard]] std::vector<std::string> tracker_urls() const;
};

// --- How it is made: what was written down, in the order in which it was read --------------------

// A node set and what was said of all of its hosts. Only what was said is set.
struct HostEntry {
  std::string node_set;
  std::optional<std::string> address;
  std::optional<uint16_t> port;
  std::optional<std::string> user;
  std::optional<std::string> ip;
  std::optional<std::string> rack;
  std::optional<bool> no_release;
  std::optional<bool> become;
  std::string where;  // for errors: "murder.toml:12", "--host"
};

struct InventoryInput {
  // Of the configuration.
  std::vector<HostEntry> trackers;
  std::vector<HostEntry> seeders;
  std::vector<HostEntry> peers;
  Variables variables;
  bool become = false;  // on all hosts of which nothing was said
  // Of the command line; each list takes the place of the one above unless it is empty.
  std::vector<HostEntry> named_trackers;
  std::vector<HostEntry> named_seeders;
  std::vector<HostEntry> named_peers;
};

// What was said of a name anywhere holds for it everywhere; contradictions are errors. Roles that
// were given to nobody go to the first peer: the first of the configuration when the named peers
// are all among its peers (they narrow it), else the first of those named.
[[nodiscard]] Result<Inventory> resolve_inventory(const InventoryInput& input);

}  // namespace murder::fleet
