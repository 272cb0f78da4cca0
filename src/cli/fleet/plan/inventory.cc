#include "cli/fleet/plan/inventory.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "cli/fleet/plan/fleet_bounds.h"
#include "cli/fleet/plan/node_set.h"
#include "engine/base/endpoint.h"
#include "engine/base/rack.h"

namespace murder::fleet {
namespace {

tl::unexpected<Error> wrong(const HostEntry& entry, std::string_view why) {
  return fail(ErrorCode::invalid_input,
              fmt::format("{}: {}: {}", entry.where, entry.node_set.substr(0, 80), why));
}

// Takes over what one entry says of a host, or tells what contradicts what was said before.
template <typename T>
std::string merge_field(std::string_view field, const std::optional<T>& said,
                        std::optional<T>& kept) {
  if (!said) {
    return {};
  }
  if (kept && *kept != *said) {
    return fmt::format("{} is {} here and {}", field, *said, *kept);
  }
  kept = said;
  return {};
}

Status validate_user(const HostEntry& entry, const std::string& user) {
  const bool is_odd = user.empty() || user[0] == '-' ||
                      std::any_of(user.begin(), user.end(), [](unsigned char character) {
                        return character <= ' ' || character == 0x7F || character == '@';
                      });
  return is_odd ? Status(wrong(entry, fmt::format("'{}' is not a user name", user))) : Status();
}

Status validate_entry(const HostEntry& entry, size_t host_count) {
  if (host_count > 1 && (entry.ip || entry.address)) {
    return wrong(entry,
                 fmt::format("one {} for {} hosts", entry.ip ? "ip" : "address", host_count));
  }
  if (entry.ip && !IpAddress::parse(*entry.ip)) {
    return wrong(entry, fmt::format("ip '{}' is not an IP address", *entry.ip));
  }
  if (entry.rack && !entry.rack->empty()) {
    if (Status named = validate_rack_name(*entry.rack); !named) {
      return wrong(entry, named.error().text);
    }
  }
  if (entry.port && *entry.port == 0) {
    return wrong(entry, "port 0: it must be 1 to 65535");
  }
  if (entry.address) {
    if (entry.address->find('@') != std::string::npos || !validate_host_name(*entry.address)) {
      return wrong(entry, fmt::format("address '{}' is not a host name", *entry.address));
    }
  }
  return entry.user ? validate_user(entry, *entry.user) : Status();
}

// Everybody who was named, and what was said of them.
class Drafts {
 public:
  // The hosts of the entries, each once, in their order.
  Result<std::vector<size_t>> add(const std::vector<HostEntry>& entries) {
    std::vector<size_t> added;
    for (const HostEntry& entry : entries) {
      auto names = expand_node_set(entry.node_set);
      if (!names) {
        return fail(names.error().code, fmt::format("{}: {}", entry.where, names.error().text));
      }
      if (Status valid = validate_entry(entry, names->size()); !valid) {
        return fail(valid.error());
      }
      for (const std::string& name : *names) {
        const Result<size_t> index = add_host(name, entry);
        if (!index) {
          return fail(index.error());
        }
        added.push_back(*index);
      }
    }
    std::vector<char> is_there(drafts_.size());
    std::erase_if(added,
                  [&is_there](size_t index) { return std::exchange(is_there[index], 1) != 0; });
    return added;
  }

  [[nodiscard]] size_t count() const { return drafts_.size(); }
  [[nodiscard]] bool is_release_host(size_t index) const {
    return !drafts_[index].no_release.value_or(false);
  }

  [[nodiscard]] Host host(size_t index, bool become_default) const {
    const HostEntry& said = drafts_[index];
    return {.name = said.node_set,
            .address = said.address.value_or(said.node_set),
            .port = said.port.value_or(0),
            .user = said.user.value_or(""),
            .ip = said.ip.value_or(""),
            .rack = said.rack.value_or(""),
            .become = said.become.value_or(become_default),
            .no_release = said.no_release.value_or(false)};
  }

 private:
  Result<size_t> add_host(const std::string& name, HostEntry entry) {
    const size_t at = name.find('@');
    if (at != std::string::npos) {
      const std::string user = name.substr(0, at);
      if (entry.user && *entry.user != user) {
        return wrong(entry, fmt::format("two users, {} and {}", user, *entry.user));
      }
      entry.user = user;
    }
    entry.node_set = at == std::string::npos ? name : name.substr(at + 1);
    const auto [place, is_new] = known_.emplace(entry.node_set, drafts_.size());
    if (is_new) {
      if (drafts_.size() == limits::hosts_max) {
        return fail(ErrorCode::limit, fmt::format("more than {} hosts", limits::hosts_max));
      }
      drafts_.push_back(std::move(entry));
      return place->second;
    }
    HostEntry& kept = drafts_[place->second];
    for (const std::string& contradiction :
         {merge_field("address", entry.address, kept.address),
          merge_field("port", entry.port, kept.port), merge_field("user", entry.user, kept.user),
          merge_field("ip", entry.ip, kept.ip), merge_field("rack", entry.rack, kept.rack),
          merge_field("become", entry.become, kept.become),
          merge_field("no_release", entry.no_release, kept.no_release)}) {
      if (!contradiction.empty()) {
        return wrong(entry, fmt::format("{} at {}", contradiction, kept.where));
      }
    }
    return place->second;
  }

  std::vector<HostEntry> drafts_;  // only what was said; node_set is the name
  std::unordered_map<std::string, size_t> known_;
};

// The hosts of each role while the inventory is made: positions among the drafts.
struct Roles {
  std::vector<size_t> trackers;
  std::vector<size_t> seeders;
  std::vector<size_t> peers_configured;
  std::vector<size_t> peers;
};

Status add_role(Drafts& drafts, const std::vector<HostEntry>& configured,
                const std::vector<HostEntry>& named, std::vector<size_t>& role) {
  // What the configuration says of a host holds also when the command line names others.
  Result<std::vector<size_t>> all = drafts.add(configured);
  if (all && !named.empty()) {
    all = drafts.add(named);
  }
  if (!all) {
    return fail(all.error());
  }
  role = std::move(*all);
  return {};
}

Status add_roles(const InventoryInput& input, Drafts& drafts, Roles& roles) {
  // Peers first: they are the order of the hosts.
  if (Status added = add_role(drafts, input.peers, {}, roles.peers_configured); !added) {
    return added;
  }
  roles.peers = roles.peers_configured;
  if (!input.named_peers.empty()) {
    if (Status added = add_role(drafts, {}, input.named_peers, roles.peers); !added) {
      return added;
    }
  }
  if (Status added = add_role(drafts, input.trackers, input.named_trackers, roles.trackers);
      !added) {
    return added;
  }
  return add_role(drafts, input.seeders, input.named_seeders, roles.seeders);
}

// The host that is tracker and seeder when nobody else is.
std::vector<size_t> default_host(const Drafts& drafts, const Roles& roles) {
  std::vector<bool> is_configured(drafts.count());
  for (const size_t index : roles.peers_configured) {
    is_configured[index] = true;
  }
  const bool is_narrowed = std::all_of(roles.peers.begin(), roles.peers.end(),
                                       [&](size_t index) { return is_configured[index]; });
  for (const size_t index : is_narrowed ? roles.peers_configured : roles.peers) {
    if (drafts.is_release_host(index)) {
      return {index};
    }
  }
  return {};
}

}  // namespace

std::string_view role_name(Role role) {
  switch (role) {
    case Role::tracker:
      return "tracker";
    case Role::seeder:
      return "seeder";
    case Role::peer:
      return "peer";
  }
  return "?";
}

const std::vector<HostIndex>& Inventory::role(Role role) const {
  return role == Role::tracker ? trackers : role == Role::seeder ? seeders : peers;
}

std::vector<HostIndex> Inventory::all() const {
  std::vector<HostIndex> indices;
  for (const std::vector<HostIndex>* list : {&trackers, &seeders, &peers}) {
    indices.insert(indices.end(), list->begin(), list->end());
  }
  std::sort(indices.begin(), indices.end());
  indices.erase(std::unique(indices.begin(), indices.end()), indices.end());
  return indices;
}

std::optional<HostIndex> Inventory::find(std::string_view name) const {
  for (uint32_t index = 0; index < hosts.size(); ++index) {
    if (hosts[index].name == name) {
      return HostIndex{index};
    }
  }
  return std::nullopt;
}

std::vector<std::string> Inventory::tracker_urls() const {
  std::vector<std::string> urls;
  for (const HostIndex index : trackers) {
    const Host& host = at(index);
    const HostPort place{.host = host.place(), .port = variables.tracker_port};
    urls.push_back(fmt::format("http://{}/announce", place.text()));
  }
  return urls;
}

Result<Inventory> resolve_inventory(const InventoryInput& input) {
  Drafts drafts;
  Roles roles;
  if (Status added = add_roles(input, drafts, roles); !added) {
    return fail(added.error());
  }
  const bool is_tracker_default = roles.trackers.empty();
  const bool is_seeder_default = roles.seeders.empty();
  if (is_tracker_default) {
    roles.trackers = default_host(drafts, roles);
  }
  if (is_seeder_default) {
    roles.seeders = default_host(drafts, roles);
  }
  // A peer that takes no releases stays in the list of hosts, where it can be seen.
  std::vector<bool> is_kept(drafts.count());
  for (const std::vector<size_t>* list : {&roles.peers, &roles.trackers, &roles.seeders}) {
    for (const size_t index : *list) {
      is_kept[index] = true;
    }
  }
  std::erase_if(roles.peers, [&drafts](size_t index) { return !drafts.is_release_host(index); });
  Inventory inventory{.variables = input.variables,
                      .is_tracker_default = is_tracker_default,
                      .is_seeder_default = is_seeder_default};
  std::vector<HostIndex> index_of(drafts.count());
  for (size_t draft = 0; draft < drafts.count(); ++draft) {
    if (is_kept[draft]) {
      index_of[draft] = HostIndex{static_cast<uint32_t>(inventory.hosts.size())};
      inventory.hosts.push_back(drafts.host(draft, input.become));
    }
  }
  if (inventory.hosts.empty()) {
    return fail(ErrorCode::invalid_input,
                "no hosts: name them with --host or --hosts, or in a murder.toml");
  }
  const auto fill = [&index_of](const std::vector<size_t>& from, std::vector<HostIndex>& into) {
    for (const size_t draft : from) {
      into.push_back(index_of[draft]);
    }
  };
  fill(roles.trackers, inventory.trackers);
  fill(roles.seeders, inventory.seeders);
  fill(roles.peers, inventory.peers);
  if (is_tracker_default || is_seeder_default) {
    inventory.default_order = is_tracker_default ? inventory.trackers : inventory.seeders;
    for (const HostIndex host : inventory.peers) {
      if (!inventory.default_order.empty() && host != inventory.default_order.front()) {
        inventory.default_order.push_back(host);
      }
    }
  }
  return inventory;
}

}  // namespace murder::fleet
