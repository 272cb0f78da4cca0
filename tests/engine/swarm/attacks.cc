// A swarm among strangers who do one thing wrong each: when its last host has everything, against
// the same swarm without them. Under virtual time, so the ratio is exact.
#include <doctest/doctest.h>

#include <cstdlib>

#include "network.h"

using murder::Duration;
using murder::seconds_of;
using murder::test::Attack;
using murder::test::Network;
using namespace std::chrono_literals;

namespace {

constexpr uint32_t peer_count = 8;
constexpr double rate = 10e6;
constexpr Duration given_up_after = 30s;

struct Row {
  Attack attack;
  uint32_t count;
  double ratio_max;
  uint32_t connections = 1;
};

// Seconds until the last host has everything. ATTACKS_CHECKED=1 checks the swarms' rules after each
// event.
double last_host(const Row& row, uint64_t seed) {
  Network network({.geometry = {.total_bytes = 64U << 20U, .piece_bytes = 256U << 10U},
                   .seed = seed,
                   .latency = 100us,
                   .checks_invariants = std::getenv("ATTACKS_CHECKED") != nullptr});
  network.add({.seed = true, .bytes_per_second = rate, .sessions_max = 200});
  for (uint32_t stranger = 0; stranger < row.count; ++stranger) {
    network.add({.attack = row.attack, .connections = row.connections, .bytes_per_second = rate});
  }
  network.run(200ms);
  for (uint32_t peer = 0; peer < peer_count; ++peer) {
    network.add({.bytes_per_second = rate, .sessions_max = 200});
  }
  const auto begin = network.now();
  const bool done = network.run_until_complete(given_up_after);
  CHECK_MESSAGE(network.fault().empty(), network.description());
  if (std::getenv("ATTACKS_TOLD") != nullptr) {
    MESSAGE(network.description());
  }
  return done ? seconds_of(network.now() - begin) : 1e9;
}

// ATTACKS_SEEDS=n tries that many; ATTACKS_TOLD=1 tells what each host knows at the end.
void check(const char* name, Attack attack, std::initializer_list<Row> rows) {
  const char* seeds = std::getenv("ATTACKS_SEEDS");
  const uint64_t last_seed = seeds != nullptr ? std::strtoull(seeds, nullptr, 10) : 1;
  for (uint64_t seed = 1; seed <= last_seed; ++seed) {
    const double without = last_host({attack, 0, 1}, seed);
    for (const Row& row : rows) {
      const double among = last_host(row, seed);
      MESSAGE(name, " seed ", seed, ", ", row.count, ": ", among, " s, without ", without,
              " s: ", among / without);
      CHECK_MESSAGE(among <= row.ratio_max * without, name, " ", row.count);
    }
  }
}

void check_usual(const char* name, Attack attack) {
  check(name, attack, {{attack, 1, 1.15}, {attack, 5, 1.3}, {attack, 50, 2}});
}

}  // namespace

TEST_CASE("attack: a byte every 200 ms") {
  check_usual("drip", Attack::drip);
}
TEST_CASE("attack: a byte every 200 ms, from a stock client") {
  check(
      "drip-stock", Attack::drip_stock,
      {{Attack::drip_stock, 1, 1.15}, {Attack::drip_stock, 5, 1.3}, {Attack::drip_stock, 50, 2.0}});
}
TEST_CASE("attack: grants that no request is answered for") {
  check_usual("silent", Attack::silent);
}
TEST_CASE("attack: grants whose requests are rejected") {
  check_usual("rejecter", Attack::rejecter);
}
TEST_CASE("attack: wrong data") {
  check_usual("wrong-data", Attack::liar);
}
TEST_CASE("attack: grants taken up by one that does not read") {
  check_usual("drip-taker", Attack::drip_taker);
}
TEST_CASE("attack: grants taken up by one that never says HAVE") {
  check_usual("freeloader", Attack::freeloader);
}
TEST_CASE("attack: grants taken up by one that gives nothing") {
  check_usual("leech", Attack::leech);
}
TEST_CASE("attack: grants declined by one that is always free") {
  check_usual("decliner", Attack::decliner);
}
TEST_CASE("attack: grants never answered by one that is always free") {
  check_usual("mute", Attack::mute);
}
TEST_CASE("attack: connections that do nothing") {
  check("idle", Attack::idle, {{Attack::idle, 1, 1.05, 24}, {Attack::idle, 1, 1.1, 260}});
}
TEST_CASE("attack: the peer ids of others") {
  check("squatter", Attack::squatter, {{Attack::squatter, 1, 1.05}, {Attack::squatter, 8, 1.1}});
}
