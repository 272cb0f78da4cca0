// The same graph where hosts stand in racks.
#include <doctest/doctest.h>

#include <string>
#include <unordered_map>

#include "engine/base/neighbour_bounds.h"
#include "fleet.h"
#include "tracker/rack_table.h"

using namespace murder;
using namespace murder::tracker;
using namespace murder::test;

TEST_CASE("in racks each host knows all mates and few others, and racks are tied to one another") {
  Fleet fleet;
  fleet.accept_bound = 56;
  fleet.add("", 0);
  for (uint32_t number = 0; number < 1000; ++number) {
    fleet.add("r" + std::to_string(number * 7 % 25));
  }
  CHECK(fleet.refused_count == 0);
  uint32_t remote_sum = 0;
  for (uint32_t host = 1; host < fleet.size(); ++host) {
    uint32_t mates = 0;
    uint32_t remote = 0;
    for (const uint32_t other : fleet.neighbours[host]) {
      ++(fleet.racks[other] == fleet.racks[host] ? mates : remote);
    }
    CHECK(mates == 39);
    CHECK(remote >= limits::remote_to_dial);
    CHECK(remote <= limits::remote_full);
    remote_sum += remote;
  }
  CHECK(remote_sum > 7 * 1000);
  CHECK(remote_sum < 9 * 1000);
  CHECK(fleet.steps_from(0) <= 4);
  // The seeder, in no rack, is known to some of them.
  CHECK(fleet.neighbours[0].size() >= 16);
  CHECK(fleet.neighbours[0].size() <= limits::neighbours.full);
}

TEST_CASE("hosts of one large rack form a nearly regular graph as well") {
  Fleet fleet;
  fleet.accept_bound = 64;
  fleet.add("", 0);
  for (uint32_t number = 0; number < 2000; ++number) {
    fleet.add("r" + std::to_string(number % 2));
  }
  CHECK(fleet.refused_count == 0);
  CHECK(fleet.least() >= limits::rack_mates_to_dial + limits::remote_to_dial);
  CHECK(fleet.most() <= limits::rack_mates_full + limits::remote_full);
  CHECK(fleet.mean() > 44);
  CHECK(fleet.mean() < 52);
  CHECK(fleet.steps_from(0) <= 5);
}

TEST_CASE("a rack is known from the table where a peer does not say it, and it is told so") {
  Result<RackTable> racks = RackTable::parse("10.0.0.0/25 low\n10.0.0.128/25 high\n", "racks");
  REQUIRE(racks);
  Fleet fleet;
  fleet.table = PeerTable({.hash_seed = 1, .racks = std::move(*racks)});
  for (uint32_t number = 0; number < 200; ++number) {
    const uint32_t host = fleet.add(number == 150 ? "low" : "");
    const std::string expected = host == 150 ? "" : host < 128 ? "low" : "high";
    CHECK(fleet.reply.rack == expected);
  }
  const SwarmProgress progress = fleet.table.find(hash_number(1))->progress(0, 10);
  REQUIRE(progress.rack_count == 2);
  REQUIRE(progress.racks.size() == 2);
  CHECK(progress.racks[0].name == "low");
  CHECK(progress.racks[0].leecher_count == 129);
  CHECK(progress.racks[1].leecher_count == 71);
}

TEST_CASE("a host that moves to another rack is no mate of the old one any more") {
  Fleet fleet;
  for (uint32_t number = 0; number < 100; ++number) {
    fleet.add(number < 20 ? "r1" : "r2");
  }
  fleet.racks[3] = "r2";
  fleet.announce(3);
  fleet.left_bytes[4] = 0;  // its record moves to the seeders
  fleet.announce(4);
  fleet.add("r1");
  uint32_t mates = 0;
  for (const codec::AnnouncePeer& peer : fleet.reply.peers) {
    const uint32_t other = Fleet::number_of(peer);
    mates += other < 20 ? 1 : 0;
    CHECK(other != 3);
  }
  CHECK(mates >= 19);
}

TEST_CASE("racks agree with the records through any coming and going") {
  Swarm swarm(9);
  Prng prng(3);
  std::unordered_map<uint32_t, std::string> alive;
  for (uint32_t step = 0; step < 60'000; ++step) {
    const uint32_t number = prng.below(3000);
    const Endpoint endpoint{.address = v4_number(number), .port = 6881};
    if (prng.below(4) == 0) {
      swarm.remove(endpoint, own_peer(number));
      alive.erase(number);
      continue;
    }
    const uint32_t rack = prng.below(40);
    const std::string name = rack == 0 ? "" : "r" + std::to_string(rack);
    swarm.put({.id = own_peer(number),
               .endpoint = endpoint,
               .left_bytes = prng.below(2),
               .expires_at = start + 1h},
              name);
    alive[number] = name;
  }
  const SwarmProgress progress = swarm.progress(0, 100);
  std::unordered_map<std::string, uint32_t> expected;
  for (const auto& [number, name] : alive) {
    ++expected[name];
  }
  CHECK(progress.racks.size() == 39);
  for (const SwarmProgress::Rack& rack : progress.racks) {
    CHECK(rack.seeder_count + rack.leecher_count == expected[rack.name]);
    CHECK(rack.left_bytes == rack.leecher_count);
  }
}
