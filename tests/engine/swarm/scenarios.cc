// Whole swarms in the network of network.h: everybody gets everything, in good time, whatever
// happens.
#include <doctest/doctest.h>

#include "network.h"
#include "sizes.h"

using murder::Geometry;
using murder::swarm::CloseReason;
using murder::test::KiB;
using murder::test::Network;
using murder::test::NetworkOptions;
using murder::test::NodeOptions;
using namespace std::chrono_literals;

namespace {

double total_bytes_of(const NetworkOptions& options) {
  return static_cast<double>(options.geometry.total_bytes);
}

// Seconds at 100 MB/s.
double copy_seconds(const NetworkOptions& options) {
  return total_bytes_of(options) / 100e6;
}

// Whether each piece is at a peer (node 0 is the seeder).
bool peers_have_all(Network& network) {
  const uint32_t piece_count = network.swarm(0).have().size();
  for (uint32_t piece = 0; piece < piece_count; ++piece) {
    bool found = false;
    for (uint32_t node = 1; node < network.node_count(); ++node) {
      found = found || network.swarm(node).have().test(piece);
    }
    if (!found) {
      return false;
    }
  }
  return true;
}

}  // namespace

#define CHECK_FINE(network) CHECK_MESSAGE((network).fault().empty(), (network).description())
#define CHECK_COMPLETES(network, at_most) \
  CHECK_MESSAGE((network).run_until_complete(at_most), (network).description())

TEST_CASE("one peer gets everything from one seeder, each byte once") {
  for (const uint32_t piece_bytes : {16 * KiB, 64 * KiB, 256 * KiB, 1024 * KiB}) {
    for (const uint64_t extra : {uint64_t{0}, uint64_t{1}, uint64_t{20000}, uint64_t{16383}}) {
      CAPTURE(piece_bytes);
      CAPTURE(extra);
      const NetworkOptions options{
          .geometry = {.total_bytes = 20ULL * piece_bytes + std::min<uint64_t>(extra, piece_bytes),
                       .piece_bytes = piece_bytes}};
      Network network(options);
      network.add({.seed = true});
      const uint32_t peer = network.add({});
      CHECK_COMPLETES(network, 5s);
      CHECK(network.completed_count(peer) == 1);
      CHECK(network.completed_count(0) == 0);
      CHECK(network.swarm(peer).stats().downloaded_bytes == options.geometry.total_bytes);
      CHECK(network.swarm(peer).stats().wasted_bytes == 0);
    }
  }
}

TEST_CASE("a release smaller than a block, and an empty one") {
  for (const uint64_t total_bytes : {uint64_t{1}, uint64_t{0}}) {
    CAPTURE(total_bytes);
    Network network({.geometry = {.total_bytes = total_bytes, .piece_bytes = 16 * KiB}});
    network.add({.seed = true});
    const uint32_t peer = network.add({});
    CHECK_COMPLETES(network, 5s);
    network.run(5s);
    CHECK_FINE(network);
    CHECK(network.completed_count(peer) == (total_bytes > 0 ? 1 : 0));
    CHECK(network.swarm(peer).session_count() == 0);  // both have everything
  }
}

TEST_CASE("eight peers get everything while the seeder sends little more than one copy") {
  const NetworkOptions options{
      .geometry = {.total_bytes = 256ULL * 256 * KiB + 5, .piece_bytes = 256 * KiB},
      .checks_invariants = false};
  Network network(options);
  network.add({.seed = true});
  for (int peer = 0; peer < 8; ++peer) {
    network.add({});
  }
  const auto begin = network.now();
  CHECK_COMPLETES(network, 20s);
  const double took = murder::seconds_of(network.now() - begin);
  const double copies = static_cast<double>(network.uploaded_bytes(0)) / total_bytes_of(options);
  MESSAGE("8 peers: ", took / copy_seconds(options), " copy times, seeder sent ", copies,
          " copies");
  CHECK(took < 1.4 * copy_seconds(options));
  CHECK(copies < 1.4);
  network.run(30s);
  CHECK_FINE(network);
  for (uint32_t node = 0; node < network.node_count(); ++node) {
    CHECK(network.swarm(node).session_count() == 0);
  }
}

TEST_CASE("between two peers exactly one connection remains, whoever dialled") {
  for (uint64_t seed = 0; seed < 10; ++seed) {
    CAPTURE(seed);
    Network network({.geometry = {.total_bytes = 150ULL * 64 * KiB, .piece_bytes = 64 * KiB},
                     .seed = seed,
                     .latency = 5ms});
    network.add({.seed = true, .bytes_per_second = 1e5});
    for (int peer = 0; peer < 5; ++peer) {
      network.add({});
    }
    network.run(3s);
    for (int round = 0; round < 8; ++round) {
      network.run(10s);
      for (uint32_t from = 0; from < network.node_count(); ++from) {
        for (uint32_t to = 0; to < network.node_count(); ++to) {
          CHECK(network.connection_count(from, to) == (from == to ? 0U : 1U));
        }
      }
    }
    CHECK_FINE(network);
    for (uint32_t node = 0; node < network.node_count(); ++node) {
      // One each for the connections that crossed, none again.
      CHECK(network.closed_count(node, CloseReason::duplicate) <= 5);
      CHECK(network.closed_count(node, CloseReason::self) <= 2);
      CHECK(network.closed_count(node, CloseReason::remote_closed) <= 6);
    }
  }
}

TEST_CASE("a poisoner among good peers is barred, good ones are not, and all complete") {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    for (const double poisoned : {1.0, 0.2}) {
      CAPTURE(seed);
      CAPTURE(poisoned);
      Network network({.seed = seed});
      network.add({.seed = true, .bytes_per_second = 2e6});
      const uint32_t poisoner = network.add({.seed = true, .poisoned = poisoned});
      for (int peer = 0; peer < 4; ++peer) {
        network.add({});
      }
      CHECK_COMPLETES(network, 60s);
      for (uint32_t node = 0; node < network.node_count(); ++node) {
        const uint64_t barred = network.closed_count(node, CloseReason::wrong_data);
        CHECK(barred <= 1);
        CHECK((barred == 0 || network.connection_count(node, poisoner) == 0));
      }
    }
  }
}

TEST_CASE("when a peer dies in the middle of a block, others take over at once") {
  for (const bool silently : {false, true}) {
    CAPTURE(silently);
    Network network({});
    network.add({.seed = true, .bytes_per_second = 4e6});
    network.add({.seed = true, .bytes_per_second = 4e6});
    network.add({});
    network.run(200ms);
    network.kill(1, silently);
    CHECK_COMPLETES(network, silently ? 7s : 2s);
  }
}

TEST_CASE("when a peer falls silent in the middle of a block, others take over within seconds") {
  for (uint64_t seed = 0; seed < 10; ++seed) {
    CAPTURE(seed);
    Network network({.seed = seed});
    network.add({.seed = true, .bytes_per_second = 4e6});
    network.add({.seed = true, .bytes_per_second = 4e6});
    network.add({});
    network.run(200ms + std::chrono::milliseconds(7 * seed));
    network.freeze(1);
    CHECK_COMPLETES(network, 3s);
    network.thaw(1);
    network.run(200s);
    CHECK_FINE(network);
  }
}

TEST_CASE("the only source falls silent and comes back: the transfer goes on at once") {
  Network network({});
  network.add({.seed = true, .bytes_per_second = 4e6});
  network.add({});
  network.run(300ms);
  network.freeze(0);
  network.run(20s);
  CHECK_FINE(network);
  network.thaw(0);
  CHECK_COMPLETES(network, 3s);
}

TEST_CASE("the seeder leaves after little more than a copy, and the peers finish without it") {
  for (uint64_t seed = 0; seed < 10; ++seed) {
    CAPTURE(seed);
    const NetworkOptions options{
        .geometry = {.total_bytes = 200ULL * 64 * KiB, .piece_bytes = 64 * KiB}, .seed = seed};
    Network network(options);
    network.add({.seed = true, .bytes_per_second = 10e6});
    for (int peer = 0; peer < 6; ++peer) {
      network.add({.bytes_per_second = 10e6, .piece_buffers = 4});
    }
    while (!peers_have_all(network) && network.fault().empty()) {
      network.run(5ms);
    }
    const double copies = static_cast<double>(network.uploaded_bytes(0)) / total_bytes_of(options);
    CHECK(copies < 1.5);
    network.kill(0, seed % 2 == 0);
    CHECK_COMPLETES(network, 12s);
  }
}

TEST_CASE("sources of different pieces come and go: what one leaves half done blocks nobody") {
  for (uint64_t seed = 0; seed < 10; ++seed) {
    CAPTURE(seed);
    Network network({.seed = seed});
    network.add({.seed = true, .bytes_per_second = 3e6});
    const uint32_t helper = network.add({.bytes_per_second = 3e6});
    network.run(500ms);
    const uint32_t late = network.add({.piece_buffers = 2});
    network.run(100ms);
    network.kill(0);  // all buffers of the late one may hold halves of what nobody has now
    const uint32_t there = network.swarm(helper).have().count();
    CHECK(network.run_until([&] { return network.swarm(late).have().count() >= there; }, 10s));
    network.add({.seed = true});
    CHECK_COMPLETES(network, 10s);
  }
}

TEST_CASE("a late joiner is served by those who are done") {
  Network network({});
  network.add({.seed = true});
  for (int peer = 0; peer < 3; ++peer) {
    network.add({});
  }
  CHECK_COMPLETES(network, 5s);
  network.run(60s);
  network.kill(0);
  const uint32_t late = network.add({});
  CHECK_COMPLETES(network, 5s);
  CHECK(network.completed_count(late) == 1);
}

TEST_CASE("chokes, refusals and answers in any order delay, and break nothing") {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    for (const bool fast_extension : {true, false}) {
      CAPTURE(seed);
      CAPTURE(fast_extension);
      Network network({.seed = seed});
      network.add({.seed = true,
                   .bytes_per_second = 5e6,
                   .rejected = fast_extension ? 0.1 : 0,
                   .reorders = true,
                   .fast_extension = fast_extension,
                   .extension_protocol = seed % 2 == 0});
      for (int peer = 0; peer < 3; ++peer) {
        network.add({.bytes_per_second = 5e6, .rejected = 0.05, .reorders = true});
      }
      for (int round = 0; round < 10; ++round) {
        network.run(50ms);
        network.inject(0, murder::codec::MessageType::choke);
        network.run(20ms);
        network.inject(0, murder::codec::MessageType::unchoke);
      }
      CHECK_COMPLETES(network, 30s);
    }
  }
}

TEST_CASE("a slow peer does not hold up the last pieces") {
  for (uint64_t seed = 0; seed < 10; ++seed) {
    CAPTURE(seed);
    Network network(
        {.geometry = {.total_bytes = 64ULL * 256 * KiB, .piece_bytes = 256 * KiB}, .seed = seed});
    network.add({.seed = true, .bytes_per_second = 50e6});
    network.add({.seed = true, .bytes_per_second = 50e3});
    network.add({});
    CHECK_COMPLETES(network, 2s);
  }
}

TEST_CASE("a swarm of stock clients' abilities works the same") {
  Network network({});
  network.add({.seed = true, .fast_extension = false, .extension_protocol = false});
  for (int peer = 0; peer < 4; ++peer) {
    network.add({.fast_extension = false, .extension_protocol = false});
  }
  CHECK_COMPLETES(network, 5s);
}
