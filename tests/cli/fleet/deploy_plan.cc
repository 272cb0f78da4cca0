#include "cli/fleet/deploy_plan.h"

#include "support.h"

using namespace murder;
using namespace murder::fleet;

TEST_CASE("what is planned for is the hosts of the inventory, in their racks") {
  auto inventory =
      resolve_inventory({.peers = {{.node_set = "a[1-3]", .rack = "r1", .where = "test"},
                                   {.node_set = "b[1-2]", .rack = "r2", .where = "test"},
                                   {.node_set = "c", .where = "test"}}});
  REQUIRE(inventory);
  const PlanAssumptions assumptions{.rate = 1000, .rack_uplink = 500};
  const sim::Options options =
      simulated_fleet(*inventory, inventory->peers, 1'000'000, assumptions);
  CHECK(options.host_count == 6);
  CHECK(options.racks == std::vector<uint32_t>{0, 0, 0, 1, 1, sim::no_rack});
  CHECK(options.geometry.total_bytes == 1'000'000);
  CHECK(options.rate == 1000);
  CHECK(options.rack_uplink == 500);
}

TEST_CASE("an inventory without racks is one network") {
  const Inventory inventory = inventory_of("w[1-4]");
  CHECK(simulated_fleet(inventory, inventory.peers, 1000, {}).racks.empty());
}

TEST_CASE("the size of a directory is that of the files that would be packed") {
  const TemporaryDirectory directory;
  write_file(directory.path() + "/one", std::string(1000, 'x'));
  std::filesystem::create_directories(directory.path() + "/deep/.git");
  write_file(directory.path() + "/deep/two", std::string(500, 'x'));
  write_file(directory.path() + "/deep/.git/objects", std::string(9999, 'x'));
  std::filesystem::create_symlink("one", directory.path() + "/link");
  CHECK(size_of_source(directory.path()) == 1500);
  CHECK(size_of_source(directory.path() + "/one") == 1000);
  CHECK(!size_of_source(directory.path() + "/missing"));
}
