#include "cli/fleet/plan/start_order.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>

using namespace murder::fleet;

TEST_CASE("hosts of a rack do not begin together, and each host begins once") {
  constexpr uint32_t racks = 10;
  constexpr uint32_t hosts_of_rack = 40;
  std::vector<HostIndex> hosts;
  for (uint32_t host = 0; host < racks * hosts_of_rack; ++host) {
    hosts.push_back({host});
  }
  std::vector<HostIndex> order = start_order(hosts, 7);
  CHECK(order == start_order(hosts, 7));
  CHECK(order != start_order(hosts, 8));
  for (size_t begin = 0; begin < order.size(); begin += hosts_of_rack) {
    std::set<uint32_t> seen;
    for (size_t index = begin; index < begin + hosts_of_rack; ++index) {
      seen.insert(order[index].raw / hosts_of_rack);
    }
    CHECK(seen.size() >= racks / 2);
  }
  std::sort(order.begin(), order.end());
  CHECK(order == hosts);
  CHECK(start_order({}, 1).empty());
}
