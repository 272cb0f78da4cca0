// Fuzzes what was written down about a fleet: murder.toml and files of hosts, up to the inventory
// that is made of them. The first byte chooses.

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "cli/fleet/config.h"
#include "cli/fleet/plan/fleet_bounds.h"
#include "cli/fleet/plan/inventory.h"
#include "cli/fleet/plan/node_set.h"
#include "engine/base/ensure.h"
#include "engine/base/port_range.h"
#include "engine/base/types.h"
#include "two_parsers.h"

using namespace murder;
using namespace murder::fleet;

namespace {

const std::string path = "murder.toml";

// Every error names the place.
template <typename T>
bool is_read(const Result<T>& read) {
  ENSURE(read || read.error().text.starts_with(path));
  return read.has_value();
}

// Node sets name 100,000 hosts with a few bytes; tests/fuzz/node_set.cc is about these.
bool is_small(const std::vector<HostEntry>& entries) {
  return std::all_of(entries.begin(), entries.end(), [](const HostEntry& entry) {
    ENSURE(entry.where.starts_with(path + ":"));
    return entry.node_set.find('[') == std::string::npos;
  });
}

void check_inventory(const InventoryInput& input) {
  const Result<Inventory> inventory = resolve_inventory(input);
  if (!inventory) {
    ENSURE(!inventory.error().text.empty());
    return;
  }
  for (const Role role : {Role::tracker, Role::seeder, Role::peer}) {
    for (const HostIndex index : inventory->role(role)) {
      ENSURE(index.raw < inventory->hosts.size());
    }
  }
  std::vector<std::string> names;
  for (const Host& host : inventory->hosts) {
    ENSURE(validate_host_name(host.name) && !host.address.empty());
    ENSURE(inventory->find(host.name).has_value());
    names.push_back(host.name);
  }
  std::sort(names.begin(), names.end());
  ENSURE(std::adjacent_find(names.begin(), names.end()) == names.end());
}

void check_config(std::string_view text) {
  const Result<Config> config = parse_config(text, path);
  if (!is_read(config)) {
    return;
  }
  ENSURE(config->path == path && config->variables.tracker_port > 0);
  ENSURE(PortRange::parse(config->variables.peer_port) || config->variables.peer_port.empty());
  const ReachDefaults& reach = config->reach;
  ENSURE(!reach.forks || (*reach.forks >= 1 && *reach.forks <= murder::fleet::limits::forks_max));
  ENSURE(!reach.retries || *reach.retries <= murder::fleet::limits::retries_max);
  ENSURE(!reach.connect_timeout || *reach.connect_timeout >= Duration{});
  ENSURE(!reach.command_timeout || *reach.command_timeout >= Duration{});
  if (is_small(config->trackers) && is_small(config->seeders) && is_small(config->peers)) {
    check_inventory({.trackers = config->trackers,
                     .seeders = config->seeders,
                     .peers = config->peers,
                     .variables = config->variables});
  }
}

void check_hosts(std::string_view text) {
  const Result<std::vector<HostEntry>> entries = parse_hosts(text, path);
  if (!is_read(entries) || !is_small(*entries)) {
    return;
  }
  for (const HostEntry& entry : *entries) {
    ENSURE(!entry.node_set.empty() && entry.port != uint16_t{0});
  }
  check_inventory({.named_peers = *entries});
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  parse_by_first_byte(data, size, check_config, check_hosts);
  return 0;
}
