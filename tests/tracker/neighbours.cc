// The graph of our own peers, as announces to the table build it.
#include <doctest/doctest.h>

#include <algorithm>
#include <numeric>
#include <string>
#include <unordered_map>
#include <vector>

#include "engine/base/bounds.h"
#include "tracker/peer_table.h"
#include "values.h"

using namespace murder;
using namespace murder::tracker;
using namespace murder::test;

namespace {

// What a host accepts, from others and by dialling together.
constexpr uint32_t accepted_max = 48;

// Hosts that dial whom they are told of, and accept up to a bound.
struct Fleet {
  PeerTable table{{.hash_seed = 5}};
  Prng prng{1};
  Instant now = start;
  std::vector<std::vector<uint32_t>> neighbours;
  std::vector<std::string> racks;
  std::vector<uint64_t> left_bytes;
  uint32_t accept_bound = accepted_max;
  uint32_t refused_count = 0;
  codec::AnnounceReply reply;

  [[nodiscard]] uint32_t size() const { return static_cast<uint32_t>(neighbours.size()); }

  uint32_t add(const std::string& rack = "", uint64_t left = 1000) {
    neighbours.emplace_back();
    racks.push_back(rack);
    left_bytes.push_back(left);
    announce(size() - 1);
    return size() - 1;
  }

  void announce(uint32_t host) {
    reply = {};
    table.announce({.info_hash = hash_number(1),
                    .peer_id = own_peer(host),
                    .port = 6881,
                    .left_bytes = left_bytes[host],
                    .neighbour_count = static_cast<uint32_t>(neighbours[host].size()),
                    .rack = racks[host]},
                   v4_number(host), now, prng, reply);
    for (const codec::AnnouncePeer& peer : reply.peers) {
      dial(host, number_of(peer));
    }
  }

  [[nodiscard]] static uint32_t number_of(const codec::AnnouncePeer& peer) {
    const auto& bytes = peer.peer_id.bytes;
    return (uint32_t{bytes[16]} << 24U) | (uint32_t{bytes[17]} << 16U) |
           (uint32_t{bytes[18]} << 8U) | bytes[19];
  }

  [[nodiscard]] bool are_neighbours(uint32_t one, uint32_t other) const {
    return std::find(neighbours[one].begin(), neighbours[one].end(), other) !=
           neighbours[one].end();
  }

  void dial(uint32_t host, uint32_t other) {
    if (are_neighbours(host, other)) {
      return;
    }
    if (neighbours[other].size() >= accept_bound) {
      ++refused_count;
      return;
    }
    neighbours[host].push_back(other);
    neighbours[other].push_back(host);
  }

  // All announce once more, in an order of their own.
  void announce_all() {
    std::vector<uint32_t> order(size());
    std::iota(order.begin(), order.end(), 0);
    prng.shuffle(std::span(order));
    for (const uint32_t host : order) {
      announce(host);
    }
  }

  [[nodiscard]] uint32_t least() const {
    return static_cast<uint32_t>(
        std::min_element(neighbours.begin(), neighbours.end(), fewer)->size());
  }
  [[nodiscard]] uint32_t most() const {
    return static_cast<uint32_t>(
        std::max_element(neighbours.begin(), neighbours.end(), fewer)->size());
  }
  [[nodiscard]] double mean() const {
    double sum = 0;
    for (const auto& each : neighbours) {
      sum += static_cast<double>(each.size());
    }
    return sum / size();
  }
  static bool fewer(const std::vector<uint32_t>& left, const std::vector<uint32_t>& right) {
    return left.size() < right.size();
  }

  // How many steps it is from a host to the farthest; UINT32_MAX when some are not reached.
  [[nodiscard]] uint32_t steps_from(uint32_t host) const {
    std::vector<uint32_t> steps(size(), UINT32_MAX);
    std::vector<uint32_t> queue{host};
    steps[host] = 0;
    for (size_t at = 0; at < queue.size(); ++at) {
      for (const uint32_t next : neighbours[queue[at]]) {
        if (steps[next] == UINT32_MAX) {
          steps[next] = steps[queue[at]] + 1;
          queue.push_back(next);
        }
      }
    }
    return *std::max_element(steps.begin(), steps.end());
  }
};

void check_graph(uint32_t size, uint32_t steps_max) {
  Fleet fleet;
  fleet.add("", 0);
  while (fleet.size() < size) {
    fleet.add();
  }
  CAPTURE(size);
  CHECK(fleet.refused_count == 0);
  CHECK(fleet.least() >= limits::neighbours_to_dial);
  CHECK(fleet.most() <= accepted_max);
  CHECK(fleet.mean() > 30.0);
  CHECK(fleet.mean() < 34.0);
  CHECK(fleet.steps_from(0) <= steps_max);
  CHECK(fleet.steps_from(size - 1) <= steps_max);
  CHECK(fleet.neighbours[0].size() >= 32);  // the seeder has enough, and not everybody
  // The next announces fill up those that were told of few. Some are told of whom they know.
  double before = 0;
  for (uint32_t round = 0; round < 6 && fleet.mean() != before; ++round) {
    before = fleet.mean();
    fleet.announce_all();
  }
  CHECK(fleet.mean() == before);  // all have enough
  CHECK(fleet.refused_count == 0);
  CHECK(fleet.least() >= limits::neighbours_few);
  CHECK(fleet.most() <= accepted_max);
  CHECK(fleet.mean() < 36.0);
  CHECK(fleet.steps_from(0) <= steps_max);
}

}  // namespace

TEST_CASE("up to 33 hosts are all neighbours") {
  for (const uint32_t size : {2U, 16U, 33U}) {
    Fleet fleet;
    while (fleet.size() < size) {
      fleet.add("", fleet.size() == 0 ? 0 : 1000);
    }
    CAPTURE(size);
    CHECK(fleet.least() == size - 1);
  }
}

TEST_CASE("the first replies make a nearly regular graph of short ways") {
  check_graph(34, 2);
  check_graph(100, 3);
  check_graph(1000, 4);
  check_graph(20'000, 6);
}

TEST_CASE("late joiners find room, also when nobody has announced again") {
  Fleet fleet;
  for (uint32_t number = 0; number < 2000; ++number) {
    fleet.add();
  }
  fleet.announce_all();
  const uint32_t early = fleet.size();
  for (uint32_t number = 0; number < 2000; ++number) {
    const uint32_t host = fleet.add();
    CHECK(fleet.neighbours[host].size() >= limits::neighbours_to_dial);
  }
  CHECK(fleet.refused_count == 0);
  // They are no island of their own.
  uint32_t ties = 0;
  for (uint32_t host = early; host < fleet.size(); ++host) {
    ties += static_cast<uint32_t>(std::count_if(fleet.neighbours[host].begin(),
                                                fleet.neighbours[host].end(),
                                                [&](uint32_t other) { return other < early; }));
  }
  CHECK(ties > 5 * 2000);
}

TEST_CASE("who lost neighbours is told of others, until it has enough again") {
  Fleet fleet;
  for (uint32_t number = 0; number < 1000; ++number) {
    fleet.add();
  }
  fleet.announce_all();
  fleet.neighbours[500].resize(10);
  fleet.announce(500);
  CHECK(fleet.reply.peers.size() == limits::neighbours_few - 10);
  fleet.announce(500);
  CHECK(fleet.reply.peers.empty());
}

TEST_CASE("no more are told than are wanted") {
  Fleet fleet;
  for (uint32_t number = 0; number < 100; ++number) {
    fleet.add(number % 2 == 0 ? "r1" : "");
  }
  for (const uint32_t wanted : {0U, 1U, 5U}) {
    codec::AnnounceReply reply;
    fleet.table.announce({.info_hash = hash_number(1),
                          .peer_id = own_peer(200),
                          .port = 6881,
                          .left_bytes = 1,
                          .peers_wanted = wanted,
                          .neighbour_count = 0,
                          .rack = "r1"},
                         v4_number(200), start, fleet.prng, reply);
    CHECK(reply.peers.size() == wanted);
  }
}

TEST_CASE("a peer that missed its announce is not handed out, and is again if it is alone") {
  Fleet fleet;
  for (uint32_t number = 0; number < 100; ++number) {
    fleet.add();
  }
  const uint32_t interval_s = fleet.reply.interval_s;
  fleet.now += std::chrono::seconds(interval_s) + limits::announce_late_min + 1s;
  for (uint32_t host = 0; host < 50; ++host) {
    fleet.announce(host);
  }
  for (uint32_t number = 0; number < 20; ++number) {
    const uint32_t host = fleet.add();
    CHECK(fleet.reply.peers.size() == limits::neighbours_to_dial);
    for (const codec::AnnouncePeer& peer : fleet.reply.peers) {
      const uint32_t other = Fleet::number_of(peer);
      CHECK((other < 50 || (other >= 100 && other < host)));
    }
  }
  Fleet silent;
  silent.add();
  silent.now += 30s;
  silent.add();
  CHECK(silent.reply.peers.size() == 1);
  silent.now = start + 41s;  // the first one expired
  silent.add();
  CHECK(silent.reply.peers.size() == 1);
  CHECK(Fleet::number_of(silent.reply.peers[0]) == 1);
}

TEST_CASE("where few still fetch among many that are done, they are told of each other") {
  Fleet fleet;
  for (uint32_t number = 0; number < 2000; ++number) {
    fleet.add("", 0);
  }
  for (uint32_t number = 0; number < 40; ++number) {
    fleet.add();
  }
  uint32_t leechers = 0;
  uint32_t seeders = 0;
  for (uint32_t number = 0; number < 50; ++number) {
    fleet.add();
    for (const codec::AnnouncePeer& peer : fleet.reply.peers) {
      ++(Fleet::number_of(peer) < 2000 ? seeders : leechers);
    }
  }
  CHECK(leechers >= 50 * 4);
  CHECK(seeders >= 50 * 8);
}

TEST_CASE("among peers of all kinds of progress some that have much are told more often") {
  Fleet fleet;
  for (uint32_t number = 0; number < 2000; ++number) {
    fleet.add("", 1 + number * 617 % 1000);
  }
  double sum = 0;
  uint32_t count = 0;
  for (uint32_t number = 0; number < 200; ++number) {
    Fleet copy = fleet;
    copy.prng = Prng(number);
    copy.add();
    for (const codec::AnnouncePeer& peer : copy.reply.peers) {
      sum += static_cast<double>(copy.left_bytes[Fleet::number_of(peer)]);
      ++count;
    }
  }
  // Three quarters as they come (500) and a quarter the better of two (333): 458 on average, with a
  // standard deviation of 5.
  CHECK(sum / count > 435);
  CHECK(sum / count < 481);
}

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
  CHECK(fleet.neighbours[0].size() <= limits::neighbours_full);
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

TEST_CASE("a second address is told to its family and is nobody's mate") {
  Fleet fleet;
  codec::AnnounceReply reply;
  codec::AnnounceRequest dual{.info_hash = hash_number(1),
                              .peer_id = own_peer(1),
                              .port = 6881,
                              .left_bytes = 1,
                              .ipv6 = Endpoint{v6_number(1), 0},
                              .neighbour_count = 0,
                              .rack = "r1"};
  fleet.table.announce(dual, v4_number(1), start, fleet.prng, reply);
  CHECK(reply.peers.empty());
  codec::AnnounceRequest other{.info_hash = hash_number(1),
                               .peer_id = own_peer(2),
                               .port = 6881,
                               .left_bytes = 1,
                               .neighbour_count = 0};
  fleet.table.announce(other, v6_number(2), start, fleet.prng, reply);
  CHECK(reply.peers.size() == 2);
  CHECK(fleet.table.find(hash_number(1))->progress(0, 9).racks[0].leecher_count == 1);
}

TEST_CASE("stock clients get what they want, and a share of the neighbours of ours") {
  Fleet fleet;
  codec::AnnounceReply reply;
  const auto stock_announces = [&](uint32_t number) {
    fleet.table.announce({.info_hash = hash_number(1),
                          .peer_id = foreign_peer(number),
                          .port = 6881,
                          .left_bytes = 1000,
                          .peers_wanted = 80},
                         v4_number(100'000 + number), fleet.now, fleet.prng, reply);
  };
  const auto told_of_stock = [&] {
    return std::count_if(
        fleet.reply.peers.begin(), fleet.reply.peers.end(),
        [](const codec::AnnouncePeer& peer) { return peer.peer_id.bytes[1] == 'L'; });
  };
  for (uint32_t number = 0; number < 100; ++number) {
    stock_announces(number);
  }
  CHECK(reply.peers.size() == 80);
  int64_t told = 0;
  for (uint32_t number = 0; number < 900; ++number) {
    codec::AnnounceReply& own = fleet.reply;
    fleet.table.announce({.info_hash = hash_number(1),
                          .peer_id = own_peer(number),
                          .port = 6881,
                          .left_bytes = 1000,
                          .neighbour_count = 0},
                         v4_number(number), fleet.now, fleet.prng, own);
    told += told_of_stock();
  }
  CHECK(told > 50 * 30);
  CHECK(told <= 100 * int64_t{limits::neighbours_full});
  // They are taken to lose some until they come again, so that they are never left out for good.
  for (uint32_t number = 0; number < 100; ++number) {
    stock_announces(number);
  }
  told = 0;
  for (uint32_t number = 2000; number < 2900; ++number) {
    fleet.table.announce({.info_hash = hash_number(1),
                          .peer_id = own_peer(number),
                          .port = 6881,
                          .left_bytes = 1000,
                          .neighbour_count = 0},
                         v4_number(number), fleet.now, fleet.prng, fleet.reply);
    told += told_of_stock();
  }
  CHECK(told > 300);
}

TEST_CASE("the same announces build the same graph") {
  Fleet one;
  Fleet two;
  for (uint32_t number = 0; number < 500; ++number) {
    one.add("r" + std::to_string(number % 20));
    two.add("r" + std::to_string(number % 20));
  }
  CHECK(one.neighbours == two.neighbours);
}
