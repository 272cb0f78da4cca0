// One release on several shards of a host: each piece is fetched by one of them.
#include "engine/swarm/lease_ledger.h"

#include <doctest/doctest.h>

#include "network.h"

using murder::BitSet;
using murder::Instant;
using murder::PieceIndex;
using murder::swarm::LeaseLedger;
using murder::test::Network;
using namespace std::chrono_literals;

TEST_CASE("a piece is leased once, and again when it is given back") {
  LeaseLedger ledger{BitSet(2)};
  const PieceIndex piece{0};
  CHECK(ledger.lease(piece, {1}, Instant{}));
  CHECK(ledger.lease(piece, {1}, Instant{}));  // its holder may ask again
  CHECK_FALSE(ledger.lease(piece, {2}, Instant{}));
  CHECK_FALSE(ledger.give_back(piece, {2}));  // not its to give
  CHECK(ledger.give_back(piece, {1}));
  CHECK_FALSE(ledger.give_back(piece, {1}));
  CHECK(ledger.lease(piece, {2}, Instant{}));
  CHECK(ledger.fulfil(piece));
  CHECK_FALSE(ledger.fulfil(piece));
  CHECK_FALSE(ledger.lease(piece, {1}, Instant{}));
  CHECK_FALSE(ledger.give_back(piece, {2}));
  CHECK_FALSE(ledger.complete());
}

TEST_CASE("a second lease is given only when nothing is free and the first takes long") {
  BitSet have(3);
  have.set(2);
  LeaseLedger ledger(have);
  CHECK_FALSE(ledger.lease({2}, {1}, Instant{}));  // it is there
  CHECK(ledger.lease({0}, {1}, Instant{}));
  CHECK_FALSE(ledger.lease({0}, {2}, Instant{} + 10s));  // 1 is free
  CHECK(ledger.lease({1}, {2}, Instant{} + 10s));
  CHECK_FALSE(ledger.lease({1}, {1}, Instant{} + 10s + 100ms));
  CHECK(ledger.lease({0}, {2}, Instant{} + 10s));
  CHECK_FALSE(ledger.lease({0}, {3}, Instant{} + 100s));  // no third
  CHECK_FALSE(ledger.give_back({0}, {1}));                // 2 goes on
  CHECK_FALSE(ledger.lease({0}, {1}, Instant{} + 10s) == false);
  CHECK(ledger.fulfil({0}));
  CHECK(ledger.fulfil({1}));
  CHECK(ledger.complete());
}

TEST_CASE("a piece stored after its lease was given back is done") {
  LeaseLedger ledger{BitSet(1)};
  CHECK(ledger.lease({0}, {1}, Instant{}));
  CHECK(ledger.give_back({0}, {1}));
  CHECK(ledger.fulfil({0}));
  CHECK(ledger.complete());
  CHECK_FALSE(ledger.lease({0}, {2}, Instant{}));
}

TEST_CASE("two to four shards of a host get everything, and little of it twice") {
  for (uint64_t seed = 0; seed < 12; ++seed) {
    CAPTURE(seed);
    Network network(
        {.geometry = {.total_bytes = 200ULL * 65536 + 7, .piece_bytes = 65536}, .seed = seed});
    for (int seeder = 0; seeder < 3; ++seeder) {
      network.add({.seed = true, .bytes_per_second = 20e6});
    }
    const uint32_t host = network.add({.leased = true});
    const auto shard_count = static_cast<uint32_t>(2 + seed % 3);
    for (uint32_t shard = 1; shard < shard_count; ++shard) {
      network.add({.shard_of = host});
    }
    CHECK_MESSAGE(network.run_until_complete(10s), network.description());
    uint64_t downloaded_bytes = 0;
    for (uint32_t node = host; node < host + shard_count; ++node) {
      downloaded_bytes += network.swarm(node).stats().downloaded_bytes;
      CHECK(network.completed_count(node) == 1);
    }
    CHECK(downloaded_bytes >= 200ULL * 65536 + 7);
    CHECK(downloaded_bytes <= 206ULL * 65536);
  }
}

TEST_CASE("hosts of several shards serve each other") {
  Network network({.geometry = {.total_bytes = 100ULL * 65536, .piece_bytes = 65536}});
  network.add({.seed = true, .bytes_per_second = 20e6});
  for (int peer = 0; peer < 4; ++peer) {
    const uint32_t host = network.add({.leased = true});
    network.add({.shard_of = host});
  }
  CHECK_MESSAGE(network.run_until_complete(20s), network.description());
}

TEST_CASE("a lease goes back when its only source leaves, and another shard fetches the piece") {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    CAPTURE(seed);
    Network network({.seed = seed});
    for (int seeder = 0; seeder < 4; ++seeder) {
      network.add({.seed = true, .bytes_per_second = 3e6});
    }
    const uint32_t host = network.add({.leased = true});
    network.add({.shard_of = host});
    network.add({.shard_of = host});
    network.run(150ms);
    network.kill(static_cast<uint32_t>(seed % 4), seed % 2 == 0);
    network.run(50ms);
    network.kill(static_cast<uint32_t>((seed + 1) % 4), false);
    CHECK_MESSAGE(network.run_until_complete(seed % 2 == 0 ? 8s : 3s), network.description());
  }
}

TEST_CASE("shards get everything although some of their sources send wrong bytes or fall silent") {
  for (uint64_t seed = 0; seed < 40; ++seed) {
    CAPTURE(seed);
    Network network({.seed = seed});
    network.add({.seed = true, .bytes_per_second = 3e6});
    network.add({.seed = true, .bytes_per_second = 3e6, .poisoned = 0.3});
    const uint32_t silent = network.add({.seed = true, .bytes_per_second = 3e6});
    const uint32_t host = network.add({.leased = true});
    for (uint32_t shard = 0; shard <= seed % 3; ++shard) {
      network.add({.shard_of = host});
    }
    network.add({});
    network.run(100ms + std::chrono::milliseconds(seed * 11));
    network.freeze(silent);
    const bool complete = network.run_until(
        [&] {
          for (uint32_t node = host; node < network.node_count(); ++node) {
            if (!network.is_complete(node)) {
              return false;
            }
          }
          return true;
        },
        20s);
    CHECK_MESSAGE(complete, network.description());
  }
}
