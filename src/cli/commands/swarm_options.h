// The options `seed` and `peer` share.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/ui/command.h"
#include "engine/base/bounds.h"
#include "engine/host/torrent_input.h"
#include "engine/node/node.h"
#include "engine/tls/bounds.h"
#include "engine/trust/fleet_key.h"

namespace murder::cli {

inline constexpr uint64_t memory_automatic = UINT64_MAX;  // what fits (memory_budget_of)

struct SwarmOptions {
  std::string ip;
  std::string ports;  // a range; empty: any
  std::string label;  // empty: the host's name
  std::string rack;
  uint32_t shards = 1;
  uint64_t memory_bytes = memory_automatic;
  bool page_cache = false;
  std::string send_path = "auto";
  uint64_t upload_limit = 0;  // bytes a second; 0: none
  uint64_t download_limit = 0;
  std::string metrics_path;    // empty: none
  std::string fleet_key_path;  // empty: the default one, if it is there
  bool is_open = false;
  std::string transport;  // empty: what the key file says
  uint64_t rekey_bytes = limits::tls_rekey_bytes;
  std::vector<std::string> pins;
};

inline constexpr ManualItem fleet_key_item = {
    "MURDER_FLEET_KEY",
    "The file with the fleet's keys in place of /etc/murder/fleet.key, where --fleet-key is not "
    "given. Services of the packages have their own copy there."};

void add_swarm_options(ArgumentParser command, SwarmOptions& options);

// Of https servers, as http::RequestOptions has them. Errors: one is none.
[[nodiscard]] Result<std::string> pins_of(const SwarmOptions& options, CommandContext& context);

// --fleet-key and --open, which `tracker` has as well, and what they come to. Nothing: it is open.
void add_fleet_key_options(ArgumentParser command, std::string& path, bool& is_open);
[[nodiscard]] Result<std::optional<trust::FleetKeys>> fleet_keys_of(const std::string& path,
                                                                    bool is_open,
                                                                    CommandContext& context);

// Checked. What the torrent says (info hash, path, name) is for the caller to fill in, and the
// fleet's keys, by the next one.
[[nodiscard]] Result<node::NodeOptions> node_options_of(const SwarmOptions& options,
                                                        CommandContext& context);
// The fleet's keys of the options, or those that came in front of the torrent, and whether links
// are encrypted. Without keys the swarm is open.
[[nodiscard]] Status take_fleet_keys(const SwarmOptions& options, const host::TorrentInput& torrent,
                                     CommandContext& context, node::NodeOptions& node);

}  // namespace murder::cli
