#include "cli/fleet/plan/deploy_way.h"

#include <doctest/doctest.h>

using namespace murder;
using namespace murder::fleet;

namespace {

Inventory fleet_of(std::vector<HostIndex> trackers, std::vector<HostIndex> seeders,
                   bool are_default) {
  Inventory inventory;
  inventory.hosts = {{.name = "w1"}, {.name = "w2"}, {.name = "w3"}};
  inventory.peers = {HostIndex{0}, HostIndex{1}, HostIndex{2}};
  inventory.trackers = std::move(trackers);
  inventory.seeders = std::move(seeders);
  inventory.is_tracker_default = inventory.is_seeder_default = are_default;
  return inventory;
}

std::string_view option_of(const DeployWants& wants) {
  return reason_for_commands(wants, fleet_of({HostIndex{0}}, {HostIndex{0}}, true)).option;
}

}  // namespace

TEST_CASE("a coordinator does a deploy of which nothing special is asked") {
  CHECK(option_of({}).empty());
  CHECK(reason_for_commands({}, fleet_of({HostIndex{0}}, {HostIndex{0}}, true)).is_none());
}

TEST_CASE("what a coordinator cannot do is done by commands, and named") {
  CHECK(option_of({.refuses_coordinator = true}) == "--no-coordinate");
  CHECK(option_of({.has_common_input = true}) == "--launcher");
  CHECK(option_of({.local_seeder = true}) == "--local-seeder");
  CHECK(option_of({.on_seeder = true}) == "--on-seeder");
  CHECK(option_of({.no_tag_directory = true}) == "--no-tag-directory");
  CHECK(option_of({.keeps_without_activate = true}) == "--keep-releases");
}

TEST_CASE("trackers that were named are used, unless it is the one host that seeds") {
  const HostIndex first{0};
  const HostIndex second{1};
  CHECK(reason_for_commands({}, fleet_of({first}, {first}, false)).is_none());
  CHECK(reason_for_commands({}, fleet_of({second}, {first}, false)).option == "--tracker");
  CHECK(reason_for_commands({}, fleet_of({first, second}, {first}, false)).option == "--tracker");
  CHECK(reason_for_commands({}, fleet_of({first}, {first, second}, true)).option == "--seeder");
}
