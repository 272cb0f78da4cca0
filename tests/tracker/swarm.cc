#include "tracker/swarm.h"

#include <doctest/doctest.h>

#include <array>
#include <set>
#include <vector>

#include "values.h"

using namespace murder;
using namespace murder::tracker;
using namespace murder::test;

namespace {

PeerRecord leecher(uint32_t number, Instant expires_at = start + 1h) {
  return {.id = own_peer(number),
          .endpoint = {.address = v4_number(number), .port = 6881},
          .left_bytes = 100,
          .expires_at = expires_at};
}

PeerRecord seeder(uint32_t number) {
  PeerRecord record = leecher(number);
  record.left_bytes = 0;
  return record;
}

Swarm::Asker asker(const PeerRecord& record) {
  return {.id = record.id, .endpoint = record.endpoint, .is_seeder = record.is_seeder()};
}

const Swarm::Asker stranger{.id = own_peer(999'999),
                            .endpoint = {.address = address("10.255.0.1"), .port = 1},
                            .is_seeder = false};

std::vector<codec::AnnouncePeer> ask(const Swarm& swarm, const Swarm::Asker& asker, size_t wanted,
                                     Prng& prng, Instant now = start) {
  std::vector<codec::AnnouncePeer> peers(wanted);
  peers.resize(swarm.hand_out(asker, Family::v4, now, prng, peers));
  return peers;
}

}  // namespace

TEST_CASE("who announces again from the same endpoint takes its own place") {
  Swarm swarm(1);
  CHECK(swarm.put(leecher(1)));
  CHECK_FALSE(swarm.put(leecher(1)));
  PeerRecord restarted = leecher(1);
  restarted.id = own_peer(2);
  CHECK_FALSE(swarm.put(restarted));
  CHECK(swarm.record_count() == 1);
  CHECK(swarm.counts().leecher_count == 1);
  CHECK(swarm.counts().left_bytes == 100);
}

TEST_CASE("a leecher that finished counts as a seeder") {
  Swarm swarm(1);
  swarm.put(leecher(1));
  swarm.put(leecher(2));
  swarm.put(seeder(1));
  CHECK(swarm.counts().seeder_count == 1);
  CHECK(swarm.counts().leecher_count == 1);
  CHECK(swarm.counts().left_bytes == 100);
  CHECK(swarm.contains(leecher(2).endpoint));
  CHECK(swarm.record_count() == 2);
}

TEST_CASE("the farewell of a replaced process does not remove its successor") {
  Swarm swarm(1);
  swarm.put(leecher(1));
  CHECK_FALSE(swarm.remove(leecher(1).endpoint, own_peer(77)));
  CHECK(swarm.record_count() == 1);
  CHECK(swarm.remove(leecher(1).endpoint, own_peer(1)));
  CHECK_FALSE(swarm.remove(leecher(1).endpoint, own_peer(1)));
  CHECK(swarm.record_count() == 0);
  CHECK(swarm.counts().left_bytes == 0);
}

TEST_CASE("a completion counts once for each peer id") {
  Swarm swarm(1);
  CHECK(swarm.count_completed(own_peer(1), true));
  CHECK_FALSE(swarm.count_completed(own_peer(1), true));
  CHECK(swarm.count_completed(own_peer(2), true));
  CHECK(swarm.counts().completed_count == 2);
  for (uint32_t number = 0; number < 50'000; ++number) {
    swarm.count_completed(own_peer(number), true);
  }
  CHECK(swarm.counts().completed_count == 50'000);
  CHECK(swarm.completed_id_count() == 50'000);
  for (int time = 1; time <= 2; ++time) {
    CHECK_FALSE(swarm.count_completed(own_peer(60'000), false));
    CHECK(swarm.counts().completed_count == 50'000 + time);
  }
}

TEST_CASE("an alias is handed out and not counted") {
  Swarm swarm(1);
  PeerRecord alias = leecher(1);
  alias.is_alias = true;
  swarm.put(alias);
  Prng prng(1);
  CHECK(swarm.counts().leecher_count == 0);
  CHECK(swarm.counts().left_bytes == 0);
  CHECK(ask(swarm, stranger, 10, prng).size() == 1);
}

TEST_CASE("nobody is handed out to itself, by endpoint or by peer id") {
  Swarm swarm(1);
  swarm.put(leecher(1));
  PeerRecord second_address = leecher(1);
  second_address.endpoint.port = 7000;
  swarm.put(second_address);
  PeerRecord predecessor = leecher(2);
  swarm.put(predecessor);
  Prng prng(1);
  CHECK(ask(swarm, asker(leecher(1)), 10, prng).size() == 1);
  Swarm::Asker successor = asker(predecessor);
  successor.id = own_peer(3);
  for (const codec::AnnouncePeer& peer : ask(swarm, successor, 10, prng)) {
    CHECK(peer.peer_id == own_peer(1));
  }
}

TEST_CASE("a seeder is told of leechers only, a leecher of both") {
  Swarm swarm(1);
  for (uint32_t number = 0; number < 10; ++number) {
    swarm.put(leecher(number));
    swarm.put(seeder(100 + number));
  }
  Prng prng(1);
  CHECK(ask(swarm, asker(seeder(100)), 50, prng).size() == 10);
  CHECK(ask(swarm, asker(leecher(0)), 50, prng).size() == 19);
}

TEST_CASE("as many different peers as wanted are handed out from swarms of every size") {
  Prng prng(1);
  for (const uint32_t size : {1U, 2U, 5U, 49U, 50U, 51U, 57U, 58U, 99U, 100U, 116U, 117U, 400U}) {
    Swarm swarm(size);
    for (uint32_t number = 0; number < size; ++number) {
      swarm.put(leecher(number));
    }
    for (const uint32_t wanted : {0U, 1U, 50U, 200U}) {
      const auto peers = ask(swarm, asker(leecher(0)), wanted, prng);
      CHECK(peers.size() == std::min(wanted, size - 1));
      std::set<PeerId> different;
      for (const codec::AnnouncePeer& peer : peers) {
        different.insert(peer.peer_id);
      }
      CHECK(different.size() == peers.size());
    }
  }
}

TEST_CASE("an expired peer is not handed out, and a sweep drops it") {
  Swarm swarm(1);
  for (uint32_t number = 0; number < 100; ++number) {
    swarm.put(leecher(number, number % 2 == 0 ? start + 10s : start + 1h));
  }
  Prng prng(1);
  const Instant later = start + 10s;
  for (const codec::AnnouncePeer& peer : ask(swarm, stranger, 200, prng, later)) {
    CHECK(peer.endpoint.address.bytes[15] % 2 == 1);
  }
  CHECK(ask(swarm, stranger, 200, prng, later).size() == 50);
  CHECK(swarm.counts().leecher_count == 100);
  Swarm::SweepResult result = swarm.sweep(later, 60);
  CHECK(result.checked_count == 60);
  CHECK_FALSE(result.pass_done);
  result = swarm.sweep(later, 60);
  CHECK(result.pass_done);
  CHECK(swarm.counts().leecher_count == 50);
  CHECK(swarm.counts().left_bytes == 50 * 100);
  for (uint32_t number = 0; number < 100; ++number) {
    CHECK(swarm.contains(leecher(number).endpoint) == (number % 2 == 1));
  }
}

TEST_CASE("where most of a small swarm is handed out, everyone is left out about equally often") {
  Swarm swarm(7);
  for (uint32_t number = 0; number < 80; ++number) {
    swarm.put(leecher(number));
  }
  Prng prng(42);
  std::array<uint32_t, 80> named{};
  for (uint32_t round = 0; round < 8000; ++round) {
    for (const codec::AnnouncePeer& peer : ask(swarm, stranger, 50, prng)) {
      ++named[peer.peer_id.bytes[19]];
    }
  }
  // 5000 times each on average with a standard deviation of 43.
  for (const uint32_t count : named) {
    CHECK(count > 4740);
    CHECK(count < 5260);
  }
}

TEST_CASE("50,000 peers are each named about equally often") {
  Swarm swarm(7);
  const uint32_t size = 50'000;
  for (uint32_t number = 0; number < size; ++number) {
    swarm.put(number % 10 == 0 ? seeder(number) : leecher(number));
  }
  Prng prng(42);
  std::vector<uint32_t> named(size, 0);
  const uint32_t rounds = 100'000;
  for (uint32_t round = 0; round < rounds; ++round) {
    for (const codec::AnnouncePeer& peer : ask(swarm, stranger, 50, prng)) {
      const auto& bytes = peer.peer_id.bytes;
      ++named[(uint32_t{bytes[17]} << 16U) | (uint32_t{bytes[18]} << 8U) | bytes[19]];
    }
  }
  // Each is named 100 times on average with a standard deviation of 10. The sum of the squared
  // deviations in units of the mean has the mean `size` and the deviation sqrt(2 * size) = 316.
  double chi_square = 0;
  for (const uint32_t count : named) {
    const double deviation = static_cast<double>(count) - 100.0;
    chi_square += deviation * deviation / 100.0;
    CHECK_MESSAGE(count > 40, "a peer is hardly named");
    CHECK_MESSAGE(count < 170, "a peer is named far too often");
  }
  CHECK(chi_square > size - 6 * 316);
  CHECK(chi_square < size + 6 * 316);
}

TEST_CASE("a swarm of 50,000 takes modest memory and agrees with what was put in and out") {
  Swarm swarm(9);
  std::set<uint32_t> alive;
  Prng prng(3);
  for (uint32_t step = 0; step < 150'000; ++step) {
    const uint32_t number = prng.below(50'000);
    if (prng.below(4) != 0) {
      CHECK(swarm.put(prng.below(3) == 0 ? seeder(number) : leecher(number)) ==
            alive.insert(number).second);
    } else {
      CHECK(swarm.remove(leecher(number).endpoint, own_peer(number)) == (alive.erase(number) == 1));
    }
  }
  CHECK(swarm.record_count() == alive.size());
  CHECK(swarm.counts().seeder_count + swarm.counts().leecher_count == alive.size());
  CHECK(swarm.counts().left_bytes == uint64_t{100} * swarm.counts().leecher_count);
  CHECK(swarm.memory_bytes() < 10'000'000);
}
