#include "cli/fleet/plan/inventory.h"

#include <doctest/doctest.h>

#include "cli/fleet/plan/fleet_bounds.h"

namespace murder::fleet {
namespace {

using Names = std::vector<std::string>;

HostEntry entry(std::string node_set) {
  return {.node_set = std::move(node_set), .where = "test:1"};
}

Names names(const Inventory& inventory, Role role) {
  Names list;
  for (const HostIndex index : inventory.role(role)) {
    list.push_back(inventory.at(index).name);
  }
  return list;
}

Inventory resolved(const InventoryInput& input) {
  auto inventory = resolve_inventory(input);
  INFO((inventory ? "" : inventory.error().text));
  REQUIRE(inventory);
  return std::move(*inventory);
}

std::string error_of(const InventoryInput& input) {
  const auto inventory = resolve_inventory(input);
  return inventory ? "no error" : inventory.error().text;
}

}  // namespace

TEST_CASE("the first peer is tracker and seeder unless others are") {
  const Inventory alone = resolved({.peers = {entry("w[1-3]")}});
  CHECK(names(alone, Role::tracker) == Names{"w1"});
  CHECK(names(alone, Role::seeder) == Names{"w1"});
  CHECK(names(alone, Role::peer) == Names{"w1", "w2", "w3"});
  const Inventory given = resolved(
      {.trackers = {entry("t[1-2]")}, .seeders = {entry("w2")}, .peers = {entry("w[1-3]")}});
  CHECK(names(given, Role::tracker) == Names{"t1", "t2"});
  CHECK(names(given, Role::seeder) == Names{"w2"});
  CHECK(given.hosts.size() == 5);
  CHECK(given.all().size() == 5);
}

TEST_CASE("a host that takes no releases is no peer, and not the default for other roles") {
  const InventoryInput input{
      .peers = {{.node_set = "w1", .no_release = true, .where = "test:1"}, entry("w[1-3]")}};
  const Inventory inventory = resolved(input);
  CHECK(names(inventory, Role::peer) == Names{"w2", "w3"});
  CHECK(names(inventory, Role::tracker) == Names{"w2"});
  CHECK(inventory.hosts.size() == 3);
  CHECK(inventory.hosts[0].no_release);
  CHECK(inventory.all().size() == 2);
}

TEST_CASE("hosts named on the command line narrow the configuration and keep what it says") {
  InventoryInput input{.peers = {entry("w[1-2]"), {.node_set = "w3", .port = 2222, .where = "t:2"}},
                       .named_peers = {entry("w[2-3]")}};
  const Inventory narrowed = resolved(input);
  CHECK(names(narrowed, Role::peer) == Names{"w2", "w3"});
  CHECK(names(narrowed, Role::tracker) == Names{"w1"});  // still the configuration's first
  CHECK(narrowed.at(narrowed.peers[1]).port == 2222);
  input.named_peers = {entry("x[1-2]")};
  const Inventory others = resolved(input);
  CHECK(names(others, Role::peer) == Names{"x1", "x2"});
  CHECK(names(others, Role::tracker) == Names{"x1"});
  CHECK(others.hosts.size() == 2);
}

TEST_CASE("roles named on the command line take the place of the configuration's") {
  const Inventory inventory = resolved({.trackers = {entry("t1")},
                                        .seeders = {entry("s1")},
                                        .peers = {entry("w[1-2]")},
                                        .named_trackers = {entry("t2")},
                                        .named_seeders = {entry("w2")}});
  CHECK(names(inventory, Role::tracker) == Names{"t2"});
  CHECK(names(inventory, Role::seeder) == Names{"w2"});
  CHECK_FALSE(inventory.find("t1"));
  CHECK(inventory.find("t2"));
}

TEST_CASE("what is said of a host in one role holds in the others") {
  const Inventory inventory = resolved(
      {.trackers = {entry("w1")},
       .peers = {{.node_set = "deploy@w1", .address = "10.0.0.1", .rack = "r7", .where = "t:2"}}});
  REQUIRE(inventory.hosts.size() == 1);
  CHECK(inventory.hosts[0] ==
        Host{.name = "w1", .address = "10.0.0.1", .user = "deploy", .rack = "r7"});
}

TEST_CASE("contradictions are errors that name both places") {
  const std::string text =
      error_of({.trackers = {{.node_set = "w1", .port = 22, .where = "murder.toml:9"}},
                .peers = {{.node_set = "w1", .port = 2222, .where = "murder.toml:4"}}});
  CHECK(text.find("murder.toml:9") != std::string::npos);
  CHECK(text.find("murder.toml:4") != std::string::npos);
  CHECK(error_of({.peers = {entry("a@w1"), entry("b@w1")}}).find("user") != std::string::npos);
}

TEST_CASE("values that cannot be are errors") {
  const auto is_wrong = [](HostEntry wrong) {
    wrong.where = "test:7";
    return error_of({.peers = {std::move(wrong)}}).starts_with("test:7: ");
  };
  CHECK(is_wrong({.node_set = "w1", .ip = "10.0.0"}));
  CHECK(is_wrong({.node_set = "w1", .port = 0}));
  CHECK(is_wrong({.node_set = "w1", .rack = "row 7"}));
  CHECK(is_wrong({.node_set = "w1", .user = "-oProxyCommand=x"}));
  CHECK(is_wrong({.node_set = "w1", .user = "a b"}));
  CHECK(is_wrong({.node_set = "w1", .address = "-w"}));
  CHECK(is_wrong({.node_set = "w1", .address = "a@b"}));
  CHECK(is_wrong({.node_set = "w[1-2]", .ip = "10.0.0.7"}));
  CHECK(is_wrong({.node_set = "w[1-2]", .address = "w"}));
  CHECK(is_wrong({.node_set = "deploy@w1", .user = "root"}));
  CHECK(is_wrong({.node_set = "w[1-"}));
}

TEST_CASE("no host at all is an error that says how to name some") {
  CHECK(error_of({}).find("--host") != std::string::npos);
  CHECK(error_of({.peers = {entry("")}}).find("--host") != std::string::npos);
}

TEST_CASE("trackers are reached by their ip, else by their address") {
  InventoryInput input{
      .trackers = {{.node_set = "t1", .ip = "fd00::7", .where = "t:1"}, entry("t2")},
      .peers = {entry("w1")}};
  input.variables.tracker_port = 7000;
  CHECK(resolved(input).tracker_urls() ==
        Names{"http://[fd00::7]:7000/announce", "http://t2:7000/announce"});
}

TEST_CASE("a fleet of the largest size is resolved, a larger one is refused") {
  CHECK(resolved({.peers = {entry("w[1-50000]"), entry("x[1-50000]")}}).peers.size() ==
        limits::hosts_max);
  CHECK(error_of({.peers = {entry("w[1-50000]"), entry("x[1-50001]")}}).find("more than") !=
        std::string::npos);
}

}  // namespace murder::fleet
