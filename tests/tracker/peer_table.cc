#include "tracker/peer_table.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>
#include <string>

#include "values.h"

using namespace murder;
using namespace murder::tracker;
using namespace murder::test;
using codec::AnnounceEvent;
using codec::AnnounceReply;
using codec::AnnounceRequest;

namespace {

struct TableOfPeers {
  PeerTable table{{.hash_seed = 5}};
  Prng prng{1};
  Instant now = start;

  AnnounceReply announce(const AnnounceRequest& request, const IpAddress& remote) {
    AnnounceReply reply;
    table.announce(request, remote, now, prng, reply);
    return reply;
  }
  AnnounceReply announce(const AnnounceRequest& request, uint32_t number) {
    return announce(request, v4_number(number));
  }
};

AnnounceRequest from_peer(uint32_t number, uint64_t left_bytes = 1000,
                          AnnounceEvent event = AnnounceEvent::none) {
  return {.info_hash = hash_number(1),
          .peer_id = own_peer(number),
          .port = 6881,
          .left_bytes = left_bytes,
          .event = event};
}

uint32_t v6_count(const AnnounceReply& reply) {
  return static_cast<uint32_t>(
      std::count_if(reply.peers.begin(), reply.peers.end(),
                    [](const auto& peer) { return !peer.endpoint.address.is_v4(); }));
}

}  // namespace

TEST_CASE("two peers find each other, and a reply says who is there and who asks") {
  TableOfPeers fixture;
  const AnnounceReply first = fixture.announce(from_peer(1, 0, AnnounceEvent::started), 1);
  CHECK(first.failure_reason.empty());
  CHECK(first.peers.empty());
  CHECK(first.complete == 1);
  CHECK(first.incomplete == 0);
  CHECK(first.external_ip == v4_number(1));
  CHECK(first.interval_s >= 10);
  CHECK(first.interval_s <= 11);
  CHECK(first.interval_min_s.value() <= first.interval_s);

  const AnnounceReply second = fixture.announce(from_peer(2, 1000, AnnounceEvent::started), 2);
  REQUIRE(second.peers.size() == 1);
  CHECK(second.peers[0].endpoint == Endpoint{v4_number(1), 6881});
  CHECK(second.peers[0].peer_id == own_peer(1));
  CHECK(second.complete == 1);
  CHECK(second.incomplete == 1);
}

TEST_CASE("swarms do not mix") {
  TableOfPeers fixture;
  fixture.announce(from_peer(1), 1);
  AnnounceRequest other = from_peer(2);
  other.info_hash = hash_number(2);
  CHECK(fixture.announce(other, 2).peers.empty());
  CHECK(fixture.table.swarm_count() == 2);
}

TEST_CASE("port 0 is refused for ever and leaves no trace") {
  TableOfPeers fixture;
  AnnounceRequest request = from_peer(1);
  request.port = 0;
  const AnnounceReply reply = fixture.announce(request, 1);
  CHECK(reply.failure_reason.find("port 0") != std::string::npos);
  CHECK(reply.retry_never);
  CHECK(fixture.table.swarm_count() == 0);
}

TEST_CASE("50 peers are handed out unless another number is wanted, and never more than 200") {
  TableOfPeers fixture;
  for (uint32_t number = 0; number < 500; ++number) {
    fixture.announce(from_peer(number), number);
  }
  AnnounceRequest request = from_peer(1);
  CHECK(fixture.announce(request, 1).peers.size() == 50);
  for (const auto& [wanted, expected] :
       {std::pair{0U, 0U}, {1U, 1U}, {199U, 199U}, {201U, 200U}, {UINT32_MAX, 200U}}) {
    request.peers_wanted = wanted;
    CHECK(fixture.announce(request, 1).peers.size() == expected);
  }
}

TEST_CASE("a peer that stops is gone at once and is told of nobody") {
  TableOfPeers fixture;
  fixture.announce(from_peer(1), 1);
  fixture.announce(from_peer(2), 2);
  const AnnounceReply reply = fixture.announce(from_peer(1, 1000, AnnounceEvent::stopped), 1);
  CHECK(reply.failure_reason.empty());
  CHECK(reply.peers.empty());
  CHECK(reply.incomplete == 1);
  CHECK(fixture.announce(from_peer(2), 2).peers.empty());
  CHECK(fixture.table.record_count() == 1);
}

TEST_CASE("a farewell to a swarm that is not known makes none") {
  TableOfPeers fixture;
  const AnnounceReply reply = fixture.announce(from_peer(1, 0, AnnounceEvent::stopped), 1);
  CHECK(reply.failure_reason.empty());
  CHECK(reply.complete == 0);
  CHECK(fixture.table.swarm_count() == 0);
}

TEST_CASE("completed counts once although the announce is repeated") {
  TableOfPeers fixture;
  fixture.announce(from_peer(1), 1);
  fixture.announce(from_peer(1, 0, AnnounceEvent::completed), 1);
  const AnnounceReply reply = fixture.announce(from_peer(1, 0, AnnounceEvent::completed), 1);
  CHECK(reply.downloaded == 1);
  CHECK(reply.complete == 1);
}

TEST_CASE("a host takes nobody's record over, and removes none, by naming its address") {
  TableOfPeers fixture;
  fixture.announce(from_peer(1), 1);
  AnnounceRequest spoof = from_peer(9);
  spoof.ip = v4_number(1);
  const auto known = [&] {
    std::set<std::pair<Endpoint, PeerId>> peers;
    for (const auto& peer : fixture.announce(from_peer(2), 2).peers) {
      peers.emplace(peer.endpoint, peer.peer_id);
    }
    return peers;
  };
  const std::pair<Endpoint, PeerId> honest{{v4_number(1), 6881}, own_peer(1)};
  fixture.announce(spoof, 9);
  CHECK(known() ==
        std::set<std::pair<Endpoint, PeerId>>{honest, {{v4_number(9), 6881}, own_peer(9)}});
  spoof.peer_id = own_peer(1);
  spoof.event = AnnounceEvent::stopped;
  fixture.announce(spoof, 9);
  CHECK(known().contains(honest));
  // Nor as its second address.
  AnnounceRequest alias = from_peer(9);
  alias.ipv4 = Endpoint{v4_number(1), 6881};
  fixture.announce(alias, IpAddress::parse("fd00::9").value());
  CHECK(known().contains(honest));
  // Itself it may, with another peer id as well.
  fixture.announce(from_peer(5), 1);
  CHECK_FALSE(known().contains(honest));
}

TEST_CASE("who names its address may start anew, and so may another when it is silent") {
  TableOfPeers fixture;
  AnnounceRequest natted = from_peer(1);
  natted.ip = v4_number(77);
  fixture.announce(natted, 1);
  natted.peer_id = own_peer(2);
  fixture.announce(natted, 1);
  CHECK(fixture.table.record_count() == 1);
  fixture.now += 10min;
  natted.peer_id = own_peer(3);
  fixture.announce(natted, 3);
  CHECK(fixture.announce(from_peer(4), 4).peers.at(0).endpoint.address == v4_number(77));
}

TEST_CASE("finished peers are remembered up to a bound for all releases together") {
  PeerTable table({.hash_seed = 5, .completed_ids_max = 1000});
  Prng prng(1);
  const auto complete = [&](uint32_t swarm, uint32_t number) {
    AnnounceRequest request = from_peer(number, 0, AnnounceEvent::completed);
    request.info_hash = hash_number(swarm);
    AnnounceReply reply;
    table.announce(request, v4_number(1), start, prng, reply);
    return reply.downloaded;
  };
  const auto memory_of = [&](uint32_t count) {
    for (uint32_t number = 0; number < count; ++number) {
      complete(1 + number % 4, number);
    }
    return table.memory_bytes();
  };
  const size_t bytes = memory_of(1000);
  CHECK(complete(1, 0) == 250U);  // known
  CHECK(memory_of(100'000) == bytes);
  const std::optional<uint32_t> before = complete(1, 99'999);
  CHECK(complete(1, 99'999) == *before + 1);  // not remembered
}

TEST_CASE(
    "a silent peer of our kind is given up after three intervals, another's after 15 minutes") {
  TableOfPeers fixture;
  fixture.announce(from_peer(1), 1);
  AnnounceRequest foreign = from_peer(2);
  foreign.peer_id = foreign_peer(2);
  fixture.announce(foreign, 2);
  fixture.now += 39s;
  CHECK(fixture.announce(from_peer(3), 3).peers.size() == 2);
  fixture.announce(from_peer(3, 0, AnnounceEvent::stopped), 3);
  fixture.now = start + 44s;
  const AnnounceReply later = fixture.announce(from_peer(4), 4);
  REQUIRE(later.peers.size() == 1);
  CHECK(later.peers[0].peer_id == foreign_peer(2));
  fixture.now = start + 15min;
  CHECK(fixture.announce(from_peer(5), 5).peers.empty());
}

TEST_CASE("a peer that keeps its interval is never forgotten") {
  TableOfPeers fixture;
  for (int round = 0; round < 100; ++round) {
    const AnnounceReply reply = fixture.announce(from_peer(1, 0), 1);
    CHECK(reply.complete == 1);
    fixture.now += std::chrono::seconds(reply.interval_s);
    fixture.table.sweep(fixture.now, 100);
  }
  CHECK(fixture.table.record_count() == 1);
}

TEST_CASE("both address families are handed out, and the own one first") {
  TableOfPeers fixture;
  for (uint32_t number = 0; number < 100; ++number) {
    fixture.announce(from_peer(number), v4_number(number));
    fixture.announce(from_peer(1000 + number), v6_number(number));
  }
  AnnounceRequest request = from_peer(1);
  request.peers_wanted = 40;
  const AnnounceReply to_v4 = fixture.announce(request, v4_number(1));
  CHECK(to_v4.peers.size() == 40);
  CHECK(v6_count(to_v4) == 10);
  request.peer_id = own_peer(1001);
  const AnnounceReply to_v6 = fixture.announce(request, v6_number(1));
  CHECK(to_v6.peers.size() == 40);
  CHECK(v6_count(to_v6) == 30);
}

TEST_CASE("a second address is handed out to its family, counts as one peer and leaves with it") {
  TableOfPeers fixture;
  AnnounceRequest dual = from_peer(1);
  dual.ipv6 = Endpoint{.address = v6_number(1), .port = 0};
  const AnnounceReply self = fixture.announce(dual, 1);
  CHECK(self.incomplete == 1);
  CHECK(self.peers.empty());
  const AnnounceReply reply = fixture.announce(from_peer(2), v6_number(2));
  CHECK(reply.incomplete == 2);
  CHECK(reply.peers.size() == 2);
  CHECK(v6_count(reply) == 1);
  dual.event = AnnounceEvent::stopped;
  fixture.announce(dual, 1);
  CHECK(fixture.announce(from_peer(2), v6_number(2)).peers.empty());
  CHECK(fixture.table.record_count() == 1);
}

TEST_CASE("a full table refuses newcomers with a time to retry and serves who is known") {
  TableOfPeers fixture;
  fixture.table = PeerTable({.hash_seed = 1, .swarms_max = 10, .peers_max = 3});
  for (uint32_t number = 0; number < 3; ++number) {
    CHECK(fixture.announce(from_peer(number), number).failure_reason.empty());
  }
  const AnnounceReply refused = fixture.announce(from_peer(3), 3);
  CHECK(refused.failure_reason.find("full") != std::string::npos);
  CHECK(refused.retry_in_minutes == 1);
  CHECK(fixture.announce(from_peer(1), 1).failure_reason.empty());
  fixture.announce(from_peer(1, 0, AnnounceEvent::stopped), 1);
  CHECK(fixture.announce(from_peer(3), 3).failure_reason.empty());
}

TEST_CASE("for a new swarm the longest empty one makes room, and none with peers") {
  TableOfPeers fixture;
  fixture.table = PeerTable({.hash_seed = 1, .swarms_max = 3, .peers_max = 100});
  const auto in_swarm = [&](uint32_t swarm, AnnounceEvent event) {
    AnnounceRequest request = from_peer(swarm, 1000, event);
    request.info_hash = hash_number(swarm);
    fixture.now += 1s;
    return fixture.announce(request, swarm);
  };
  for (const uint32_t swarm : {1U, 2U, 3U}) {
    in_swarm(swarm, AnnounceEvent::started);
  }
  CHECK(in_swarm(4, AnnounceEvent::started).failure_reason.find("full") != std::string::npos);
  in_swarm(3, AnnounceEvent::stopped);
  in_swarm(2, AnnounceEvent::stopped);
  CHECK(in_swarm(4, AnnounceEvent::started).failure_reason.empty());
  CHECK(fixture.table.find(hash_number(3)) == nullptr);
  CHECK(fixture.table.find(hash_number(2)) != nullptr);
  CHECK(fixture.table.find(hash_number(1)) != nullptr);
}

TEST_CASE("a swarm without peers is forgotten after an hour, however many others there are") {
  TableOfPeers fixture;
  for (uint32_t number = 0; number < 300; ++number) {
    AnnounceRequest request = from_peer(number);
    request.info_hash = hash_number(number);
    fixture.announce(request, number);
  }
  fixture.now += 59min;
  for (int call = 0; call < 100; ++call) {
    fixture.table.sweep(fixture.now, 10);
  }
  CHECK(fixture.table.record_count() == 0);
  CHECK(fixture.table.swarm_count() == 300);
  fixture.now += 1min;
  for (int call = 0; call < 100; ++call) {
    fixture.table.sweep(fixture.now, 10);
  }
  CHECK(fixture.table.swarm_count() == 0);
}

TEST_CASE("the sum of what is left does not overflow, whatever the peers say") {
  TableOfPeers fixture;
  for (uint32_t number = 0; number < 1000; ++number) {
    fixture.announce(from_peer(number, UINT64_MAX), number);
  }
  CHECK(fixture.table.totals().left_bytes == 1000 * (uint64_t{1} << 44U));
}

TEST_CASE("the first name stays, made presentable") {
  TableOfPeers fixture;
  AnnounceRequest request = from_peer(1);
  request.name = "web\n<v42>";
  fixture.announce(request, 1);
  request.name = "other";
  fixture.announce(request, 1);
  CHECK(fixture.table.find(hash_number(1))->name == "web?<v42>");
}

TEST_CASE("the same calls give the same answers") {
  TableOfPeers one;
  TableOfPeers two;
  for (uint32_t number = 0; number < 300; ++number) {
    CHECK(one.announce(from_peer(number), number) == two.announce(from_peer(number), number));
  }
}

TEST_CASE("among 50,000 peers a dead one vanishes and the others stay") {
  TableOfPeers fixture;
  const uint32_t size = 50'000;
  const uint32_t dead = 12'345;
  AnnounceReply reply;
  std::set<uint32_t> intervals;
  for (int round = 0; round < 4; ++round) {
    for (uint32_t number = 0; number < size; ++number) {
      if (number == dead && round > 0) {
        continue;
      }
      fixture.now += 1ms;
      fixture.table.announce(from_peer(number), v4_number(number), fixture.now, fixture.prng,
                             reply);
      intervals.insert(reply.interval_s);
    }
  }
  // No timer swept: announces alone look at all records often enough.
  CHECK(fixture.table.record_count() == size - 1);
  CHECK_FALSE(fixture.table.find(hash_number(1))->contains({v4_number(dead), 6881}));
  CHECK(*intervals.rbegin() == 55);
  AnnounceRequest request = from_peer(1);
  request.peers_wanted = 200;
  uint32_t named = 0;
  for (int time = 0; time < 5000; ++time) {
    fixture.table.announce(request, v4_number(1), fixture.now, fixture.prng, reply);
    for (const codec::AnnouncePeer& peer : reply.peers) {
      named += peer.peer_id == own_peer(dead) ? 1 : 0;
    }
  }
  CHECK(named == 0);
}

TEST_CASE("a seeder on the tracker's host that announces over loopback is reached from elsewhere") {
  for (const bool is_own_kind : {true, false}) {
    TableOfPeers fixture;
    const Caller local{address("127.0.0.1"), address("127.0.1.1")};
    const auto ask = [&](uint32_t number, uint64_t left_bytes, const Caller& caller) {
      AnnounceRequest request = from_peer(number, left_bytes);
      if (is_own_kind) {
        request.neighbour_count = 0;
      }
      AnnounceReply reply;
      fixture.table.announce(request, caller, fixture.now, fixture.prng, reply);
      std::set<std::string> peers;
      for (const auto& peer : reply.peers) {
        peers.insert(peer.endpoint.text());
      }
      return peers;
    };
    ask(1, 0, local);
    CHECK(ask(2, 9, {address("10.0.0.2"), address("10.0.0.1")}) ==
          std::set<std::string>{"10.0.0.1:6881"});
    CHECK(ask(3, 9, {address("2001:db8::3"), address("2001:db8::1")}) ==
          std::set<std::string>{"[2001:db8::1]:6881", "10.0.0.2:6881"});
    CHECK(ask(1, 0, local) == std::set<std::string>{"10.0.0.2:6881", "[2001:db8::3]:6881"});
  }
}
