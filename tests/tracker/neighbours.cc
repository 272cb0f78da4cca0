// The graph of our own peers, as announces to the table build it.
#include <doctest/doctest.h>

#include <algorithm>
#include <string>

#include "engine/base/neighbour_bounds.h"
#include "fleet.h"
#include "tracker/bounds.h"
#include "tracker/neighbour_plan.h"
#include "values.h"

using namespace murder;
using namespace murder::tracker;
using namespace murder::test;

namespace {

void check_graph(uint32_t size, uint32_t steps_max) {
  const limits::NeighbourCounts& counts = neighbours_among(size - 1);
  const double usual = counts.mean();
  Fleet fleet;
  fleet.add("", 0);
  while (fleet.size() < size) {
    fleet.add();
  }
  CAPTURE(size);
  CHECK(fleet.refused_count == 0);
  CHECK(fleet.least() >= counts.to_dial);
  CHECK(fleet.most() <= counts.full);
  CHECK(fleet.mean() > 0.93 * usual);
  CHECK(fleet.mean() < 1.07 * usual);
  CHECK(fleet.steps_from(0) <= steps_max);
  CHECK(fleet.steps_from(size - 1) <= steps_max);
  CHECK(fleet.neighbours[0].size() >= counts.mean());  // the seeder has enough, and not everybody
  // The next announces fill up those that were told of few. Some are told of whom they know.
  double before = 0;
  const auto lacks = [&] { return fleet.mean() != before || fleet.least() < counts.few; };
  for (uint32_t round = 0; round < 6 && lacks(); ++round) {
    before = fleet.mean();
    fleet.announce_all();
  }
  CHECK_FALSE(lacks());
  CHECK(fleet.refused_count == 0);
  CHECK(fleet.least() >= counts.few);
  CHECK(fleet.most() <= accepted_max);
  CHECK(fleet.mean() < 1.13 * usual);
  CHECK(fleet.steps_from(0) <= steps_max);
}

}  // namespace

TEST_CASE("up to 17 hosts are all neighbours") {
  for (const uint32_t size : {2U, 16U, 17U}) {
    Fleet fleet;
    while (fleet.size() < size) {
      fleet.add("", fleet.size() == 0 ? 0 : 1000);
    }
    CAPTURE(size);
    CHECK(fleet.least() == size - 1);
  }
}

TEST_CASE("the first replies make a nearly regular graph of short ways") {
  check_graph(18, 2);
  check_graph(34, 3);
  check_graph(65, 3);
  check_graph(500, 4);
  check_graph(1000, 4);
  check_graph(20'000, 6);
}

TEST_CASE("a fleet that grows out of a small one gets neighbours in line with its size") {
  double before = 16;
  for (const uint32_t size : {80U, 120U, 200U}) {
    Fleet fleet;
    while (fleet.size() < size) {
      fleet.add();
    }
    CAPTURE(size);
    CHECK(fleet.least() >= limits::neighbours_in_small_fleet.to_dial);
    CHECK(fleet.mean() > before + 2);
    CHECK(fleet.steps_from(0) <= 3);
    before = fleet.mean();
    for (uint32_t round = 0; round < 6; ++round) {
      fleet.announce_all();
    }
    CHECK(fleet.least() >= limits::neighbours.few);
  }
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
    CHECK(fleet.neighbours[host].size() >= limits::neighbours.to_dial);
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
  CHECK(fleet.reply.peers.size() == limits::neighbours.few - 10);
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
    CHECK(fleet.reply.peers.size() == limits::neighbours.to_dial);
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
  CHECK(told <= 100 * int64_t{limits::neighbours.full});
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

TEST_CASE("two trackers make one graph of the usual degree, and one that is left makes it alone") {
  // Hosts announce to both at their start, and then to each on its own clock.
  for (const uint32_t size : {60U, 1000U}) {
    const double usual = neighbours_among(size - 1).mean();
    Fleet fleet;
    PeerTable second{{.hash_seed = 6}};
    const auto announce_to_both = [&](uint32_t host) {
      const auto neighbour_count = static_cast<uint32_t>(fleet.neighbours[host].size());
      for (PeerTable* table : {&fleet.table, &second}) {
        codec::AnnounceReply reply;
        table->announce({.info_hash = hash_number(1),
                         .peer_id = own_peer(host),
                         .port = 6881,
                         .left_bytes = fleet.left_bytes[host],
                         .neighbour_count = neighbour_count,
                         .tracker_count = 2},
                        v4_number(host), fleet.now, fleet.prng, reply);
        for (const codec::AnnouncePeer& peer : reply.peers) {
          fleet.dial(host, Fleet::number_of(peer));
        }
      }
    };
    for (uint32_t host = 0; host < size; ++host) {
      fleet.neighbours.emplace_back();
      fleet.racks.emplace_back();
      fleet.left_bytes.push_back(host == 0 ? 0 : 1000);
      announce_to_both(host);
    }
    CAPTURE(size);
    CHECK(fleet.mean() > 0.85 * usual);
    CHECK(fleet.mean() < 1.1 * usual);
    CHECK(fleet.steps_from(0) <= 4);
    for (int round = 0; round < 5; ++round) {
      for (uint32_t host = 0; host < size; ++host) {
        announce_to_both(host);
      }
    }
    CHECK(fleet.least() >= neighbours_among(size - 1).few);
    CHECK(fleet.mean() < 1.3 * usual);
  }
}
