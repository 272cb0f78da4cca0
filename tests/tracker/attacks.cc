// What strangers who know the tracker's address can do to the others: next to nothing.
#include <doctest/doctest.h>

#include <algorithm>
#include <functional>
#include <set>
#include <string>

#include "tracker/neighbour_plan.h"
#include "tracker/peer_table.h"
#include "values.h"

using namespace murder;
using namespace murder::tracker;
using namespace murder::test;
using codec::AnnounceEvent;
using codec::AnnounceReply;
using codec::AnnounceRequest;

namespace {

struct Attacked {
  explicit Attacked(PeerTableOptions options = {}) : table(with_proofs(std::move(options))) {}

  static PeerTableOptions with_proofs(PeerTableOptions options) {
    options.hash_seed = 5;
    options.proves = true;
    return options;
  }

  AnnounceReply announce(const AnnounceRequest& request, const IpAddress& from) {
    AnnounceReply reply;
    table.announce(request, from, now, prng, reply);
    return reply;
  }

  // Dials all that wait; at those of which is_there() is true a peer answers.
  uint32_t prove(const std::function<bool(const Endpoint&)>& is_there) {
    uint32_t count = 0;
    while (const std::optional<Proof> proof = table.next_proof(prng)) {
      table.proof_ended(*proof, is_there(proof->endpoint));
      ++count;
    }
    return count;
  }

  PeerTable table;
  Prng prng{1};
  Instant now = start;
};

AnnounceRequest host(uint32_t number, uint64_t left_bytes = 1000) {
  return {.info_hash = hash_number(1),
          .peer_id = own_peer(number),
          .port = static_cast<uint16_t>(6000 + number % 50'000),
          .left_bytes = left_bytes,
          .neighbour_count = 0};
}

AnnounceRequest lie(uint32_t number) {
  AnnounceRequest request = host(number);
  request.peer_id = own_peer(1'000'000 + number);
  request.ip = v4_number(0x50000 + number);
  return request;
}

std::set<std::string> told(const AnnounceReply& reply) {
  std::set<std::string> peers;
  for (const codec::AnnouncePeer& peer : reply.peers) {
    peers.insert(peer.endpoint.text());
  }
  return peers;
}

bool nobody(const Endpoint&) {
  return false;
}

}  // namespace

TEST_CASE(
    "peers at addresses that are not the announcer's are told to nobody before they answered") {
  for (const uint32_t count : {300U, 1000U, 10'000U}) {
    Attacked tracker;
    for (uint32_t number = 0; number < 9; ++number) {
      tracker.announce(host(number, number == 0 ? 0 : 1000), v4_number(number));
    }
    for (uint32_t number = 0; number < count; ++number) {
      tracker.announce(lie(number), address("127.0.0.1"));
    }
    CAPTURE(count);
    const AnnounceReply reply = tracker.announce(host(20), v4_number(20));
    CHECK(reply.peers.size() == 9);
    CHECK(std::all_of(reply.peers.begin(), reply.peers.end(),
                      [](const auto& peer) { return peer.endpoint.address.bytes[13] == 0; }));
    CHECK(reply.incomplete == 9);  // nor are they counted
    CHECK(tracker.table.holds(address("127.0.0.1")).record_count <=
          limits::hidden_records_per_source);
    INFO("nor is it dialled for each of them");
    CHECK(tracker.prove(nobody) <= limits::proofs_per_source_max);
    CHECK(told(tracker.announce(host(21), v4_number(21))).size() == 10);
  }
}

TEST_CASE("a peer at another address is told of when one of its swarm answered there") {
  Attacked tracker;
  tracker.announce(lie(1), address("10.0.0.1"));
  const std::string there = Endpoint{v4_number(0x50001), 6001}.text();
  CHECK(told(tracker.announce(host(2), v4_number(2))).empty());
  CHECK(tracker.prove([&](const Endpoint& endpoint) { return endpoint.text() == there; }) == 1);
  CHECK(told(tracker.announce(host(3), v4_number(3))).contains(there));
  CHECK(tracker.announce(host(3), v4_number(3)).incomplete == 3);
  INFO("and stays when it announces again, without another dial");
  tracker.announce(lie(1), address("10.0.0.1"));
  CHECK(tracker.prove(nobody) == 0);
  CHECK(told(tracker.announce(host(4), v4_number(4))).contains(there));
}

TEST_CASE("ten thousand ports of one address stand behind the hosts that answer there") {
  const IpAddress shared = address("127.0.0.1");
  Attacked tracker;
  for (uint32_t number = 0; number < 10'000; ++number) {
    AnnounceRequest request = host(number);
    request.port = static_cast<uint16_t>(20'000 + number);
    request.peer_id = own_peer(2'000'000 + number);
    tracker.announce(request, shared);
  }
  const auto is_honest = [](const Endpoint& endpoint) { return endpoint.port < 10'000; };
  for (int round = 0; round < 3; ++round) {
    for (uint32_t number = 0; number < 9; ++number) {
      tracker.announce(host(number, number == 0 ? 0 : 1000), shared);
    }
    tracker.prove(is_honest);
    tracker.now += 2s;
  }
  for (const bool is_own_kind : {true, false}) {
    AnnounceRequest request = host(12);
    if (!is_own_kind) {
      request.neighbour_count.reset();
      request.peers_wanted = 30;
    }
    const AnnounceReply reply = tracker.announce(request, v4_number(1));
    const auto honest = static_cast<uint32_t>(
        std::count_if(reply.peers.begin(), reply.peers.end(),
                      [&](const auto& peer) { return is_honest(peer.endpoint); }));
    INFO(is_own_kind);
    CHECK(honest == 9);
    CHECK((!is_own_kind || reply.peers.size() <= 12));  // and the first that came
  }
}

TEST_CASE("an honest fleet behind one address is told of each other, proven or not") {
  for (const bool is_reached : {true, false}) {
    Attacked tracker;
    const IpAddress nat = address("192.0.2.1");
    std::set<std::string> seen;
    for (int round = 0; round < 3; ++round) {
      for (uint32_t number = 0; number < 1000; ++number) {
        AnnounceRequest request = host(number);
        request.neighbour_count = round == 0 ? 0 : 8;
        const auto peers = told(tracker.announce(request, nat));
        seen.insert(peers.begin(), peers.end());
        if (number > 20 && round == 0) {
          CHECK(peers.size() >= 8);
        }
        if (number % 50 == 0) {
          tracker.prove([&](const Endpoint&) { return is_reached; });
        }
      }
      tracker.now += 2s;
    }
    CHECK(seen.size() > 900);
    CHECK(tracker.announce(host(1), nat).incomplete == 1000);
  }
}

TEST_CASE("a host alone at its address is not dialled") {
  Attacked tracker;
  for (uint32_t number = 0; number < 5000; ++number) {
    tracker.announce(host(number), v4_number(number));
  }
  CHECK(tracker.prove(nobody) == 0);
}

TEST_CASE(
    "thousands of new releases of one source give way to those of others, and live ones stay") {
  Attacked tracker({.swarms_max = 500});
  tracker.announce(host(1, 0), v4_number(1));
  tracker.now += 2s;
  tracker.announce(host(1, 0), v4_number(1));
  for (uint32_t number = 0; number < 4096; ++number) {
    AnnounceRequest request = host(7);
    request.info_hash = hash_number(10'000 + number);
    CHECK(tracker.announce(request, address("10.9.9.9")).failure_reason.empty());
  }
  CHECK(tracker.table.swarm_count() == 500);
  CHECK(tracker.table.find(hash_number(1)) != nullptr);
  for (uint32_t number = 0; number < 100; ++number) {
    AnnounceRequest request = host(number, 0);
    request.info_hash = hash_number(90'000 + number);
    CHECK(tracker.announce(request, v4_number(number)).failure_reason.empty());
    CHECK(tracker.table.find(hash_number(90'000 + number)) != nullptr);
  }
  INFO("also for a release of the source itself, and the others are there");
  AnnounceRequest own = host(3, 0);
  own.info_hash = hash_number(95'000);
  CHECK(tracker.announce(own, address("10.9.9.9")).failure_reason.empty());
  for (uint32_t number = 0; number < 100; ++number) {
    CHECK(tracker.table.find(hash_number(90'000 + number)) != nullptr);
  }
  CHECK(tracker.table.find(hash_number(1)) != nullptr);
  CHECK(tracker.table.holds(address("10.9.9.9")).swarm_count == 500 - 101);
}

TEST_CASE("a release that nobody is left of gives way first") {
  Attacked tracker({.swarms_max = 3});
  for (uint32_t number = 1; number <= 3; ++number) {
    AnnounceRequest request = host(number);
    request.info_hash = hash_number(number);
    tracker.announce(request, v4_number(number));
    tracker.now += 1s;
  }
  AnnounceRequest leaving = host(2);
  leaving.info_hash = hash_number(2);
  leaving.event = AnnounceEvent::stopped;
  tracker.announce(leaving, v4_number(2));
  AnnounceRequest request = host(9);
  request.info_hash = hash_number(9);
  CHECK(tracker.announce(request, v4_number(9)).failure_reason.empty());
  CHECK(tracker.table.find(hash_number(2)) == nullptr);
  INFO("three sources with a live release each: there is no room, and it is said");
  request.info_hash = hash_number(10);
  CHECK_FALSE(tracker.announce(request, v4_number(10)).failure_reason.empty());
}

TEST_CASE("six hundred thousand peers by ip= of one address take little room") {
  Attacked tracker;
  tracker.announce(host(1), v4_number(1));
  for (uint32_t number = 0; number < 600'000; ++number) {
    AnnounceRequest request = lie(number);
    request.ip = v4_number(0x100000 + number);
    tracker.announce(request, address("10.9.9.9"));
  }
  CHECK(tracker.table.record_count() <= limits::hidden_records_per_source + 1);
  CHECK(tracker.announce(host(2), v4_number(2)).failure_reason.empty());
}

TEST_CASE("a full table makes room for a newcomer at the cost of who has the most") {
  Attacked tracker({.peers_max = 1000});
  for (uint32_t number = 0; number < 200; ++number) {
    tracker.announce(host(number), v4_number(number));
  }
  for (uint32_t number = 0; number < 3000; ++number) {
    AnnounceRequest request = host(number);
    request.peer_id = own_peer(3'000'000 + number);
    tracker.announce(request, address("10.9.9.9"));
  }
  CHECK(tracker.table.record_count() == 1000);
  for (uint32_t number = 200; number < 600; ++number) {
    CHECK(tracker.announce(host(number), v4_number(number)).failure_reason.empty());
  }
  CHECK(tracker.table.record_count() == 1000);
  const Swarm* swarm = tracker.table.find(hash_number(1));
  for (uint32_t number = 0; number < 600; ++number) {
    CHECK(swarm->contains({v4_number(number), host(number).port}));
  }
  CHECK(tracker.table.holds(address("10.9.9.9")).record_count == 400);
}

TEST_CASE("of IPv6 a network of 64 bits is one source") {
  Attacked tracker({.peers_max = 100});
  for (uint32_t number = 0; number < 200; ++number) {
    tracker.announce(host(number), v6_number(number));
  }
  CHECK(tracker.table.holds(address("2001:db8::ffff:1")).record_count == 100);
  CHECK(tracker.table.holds(address("2001:db8:0:1::1")).record_count == 0);
  CHECK(tracker.announce(host(1), address("2001:db8:0:1::1")).failure_reason.empty());
}

TEST_CASE("what is counted of sources is nothing when all records are gone") {
  Attacked tracker;
  for (uint32_t number = 0; number < 300; ++number) {
    tracker.announce(host(number), address("10.9.9.9"));
    tracker.announce(lie(number), address("10.9.9.9"));
    if (number % 3 == 0) {
      AnnounceRequest leaving = host(number);
      leaving.event = AnnounceEvent::stopped;
      tracker.announce(leaving, address("10.9.9.9"));
    }
  }
  tracker.prove([](const Endpoint& endpoint) { return endpoint.port % 2 == 0; });
  tracker.now += std::chrono::hours(3);
  for (int round = 0; round < 10; ++round) {
    tracker.table.sweep(tracker.now, 100'000);
  }
  CHECK(tracker.table.record_count() == 0);
  CHECK(tracker.table.swarm_count() == 0);
  CHECK(tracker.table.holds(address("10.9.9.9")).is_nothing());
}

TEST_CASE("fifty false seeders do not keep nine honest hosts apart") {
  Attacked tracker;
  tracker.announce(host(0, 0), v4_number(0));
  for (uint32_t number = 100; number < 150; ++number) {
    tracker.announce(host(number, 0), v4_number(number));
  }
  std::vector<std::set<std::string>> known(9);
  const auto announce = [&](uint32_t number, uint32_t neighbour_count, uint64_t left_bytes) {
    AnnounceRequest request = host(number, left_bytes);
    request.neighbour_count = neighbour_count;
    known[number].merge(told(tracker.announce(request, v4_number(number))));
  };
  const auto endpoint = [](uint32_t number) {
    return Endpoint{v4_number(number), host(number).port}.text();
  };
  for (uint32_t number = 1; number <= 8; ++number) {
    announce(number, 0, 1000);
    CHECK(known[number].contains(endpoint(0)));
  }
  INFO("all get something from the seeder, and have strangers besides");
  for (const uint64_t left_bytes : {900U, 800U}) {
    tracker.now += 2s;
    for (uint32_t number = 1; number <= 8; ++number) {
      announce(number, 2, left_bytes);
    }
  }
  for (uint32_t number = 1; number <= 8; ++number) {
    for (uint32_t other = 1; other < number; ++other) {
      CHECK((known[number].contains(endpoint(other)) || known[other].contains(endpoint(number))));
    }
  }
}

TEST_CASE("lies about neighbours do not hide the seeder") {
  Attacked tracker;
  const Endpoint seeder{v4_number(0), host(0).port};
  const auto is_told = [&](const AnnounceReply& reply) {
    return told(reply).contains(seeder.text());
  };
  AnnounceRequest source = host(0, 0);
  source.neighbour_count = 200;  // it is held by connections of anybody
  tracker.announce(source, v4_number(0));
  for (uint32_t number = 1; number <= 8; ++number) {
    CHECK(is_told(tracker.announce(host(number), v4_number(number))));
  }
  INFO("an attacker that asks again and again does not fill it either");
  for (int count = 0; count < 500; ++count) {
    AnnounceRequest greedy = host(50);
    tracker.announce(greedy, v4_number(50));
  }
  CHECK(is_told(tracker.announce(host(9), v4_number(9))));
  INFO("with fifty attackers, a host that gets nothing hears of it");
  for (uint32_t number = 100; number < 200; ++number) {
    tracker.announce(host(number), v4_number(number));
  }
  source.neighbour_count = 200;
  tracker.announce(source, v4_number(0));
  AnnounceRequest honest = host(300);
  tracker.announce(honest, v4_number(300));
  for (const uint32_t claimed : {8U, 22U, 200U}) {
    tracker.now += 2s;
    honest.neighbour_count = claimed;
    CHECK(is_told(tracker.announce(honest, v4_number(300))));
  }
  INFO("one that gets on does not need it");
  tracker.now += 2s;
  honest.left_bytes = 500;
  CHECK(tracker.announce(honest, v4_number(300)).peers.empty());
}
