// Small swarms in which anything may go wrong, by a seed: everybody who stays gets everything.
#include <doctest/doctest.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>

#include "network.h"

using murder::Prng;
using murder::test::Network;
using murder::test::NodeOptions;
using namespace std::chrono_literals;

namespace {

uint64_t seed_now = 0;

// An ENSURE of the swarm ends the program: the seed is what one needs then.
void print_seed(int) {
  std::fprintf(stderr, "aborted in fault seed %llu\n", static_cast<unsigned long long>(seed_now));
  std::signal(SIGABRT, SIG_DFL);
}

NodeOptions random_options(Prng& prng) {
  NodeOptions options;
  options.bytes_per_second = 1e6 * (1 + prng.below(20));
  options.rejected = prng.below(4) == 0 ? 0.02 : 0;
  options.reorders = prng.below(3) == 0;
  options.fast_extension = prng.below(4) != 0;
  options.extension_protocol = prng.below(4) != 0;
  options.piece_buffers = 2 + prng.below(15);
  options.served_max = 1 + prng.below(4);
  return options;
}

class Faults {
 public:
  Faults(Network& network, Prng& prng) : network_(network), prng_(prng) {}

  // Node 0 is a seeder to which nothing happens for good.
  void step() {
    const uint32_t node = prng_.below(network_.node_count());
    switch (prng_.below(8)) {
      case 0:
        if (network_.node_count() < 9) {
          network_.add(random_options(prng_));
        }
        break;
      case 1:
        if (node != 0 && network_.node_count() > 4 && deaths_ < 3) {
          ++deaths_;
          network_.kill(node, prng_.below(2) == 0);
        }
        break;
      case 2:
        network_.freeze(node);
        break;
      case 3:
      case 4:
        network_.thaw(node);
        break;
      case 5:
        if (network_.is_alive(node)) {
          network_.inject(node, murder::codec::MessageType::choke);
        }
        break;
      case 6:
        if (network_.is_alive(node)) {
          network_.inject(node, murder::codec::MessageType::unchoke);
        }
        break;
      default:
        if (poisoners_ < 2) {
          ++poisoners_;
          NodeOptions options = random_options(prng_);
          options.seed = true;
          options.poisoned = prng_.below(2) == 0 ? 1.0 : 0.3;
          network_.add(options);
        }
    }
  }

  void end() {
    for (uint32_t node = 0; node < network_.node_count(); ++node) {
      network_.thaw(node);
      if (network_.is_alive(node)) {
        network_.inject(node, murder::codec::MessageType::unchoke);
      }
    }
  }

 private:
  Network& network_;
  Prng& prng_;
  uint32_t deaths_ = 0;
  uint32_t poisoners_ = 0;
};

}  // namespace

// FAULT_SEED=n runs that seed alone, FAULT_SEEDS=n as many.
TEST_CASE("whatever goes wrong for a while, everybody who stays completes") {
  const char* one = std::getenv("FAULT_SEED");
  const char* many = std::getenv("FAULT_SEEDS");
  const uint64_t first = one != nullptr ? std::strtoull(one, nullptr, 10) : 0;
  const uint64_t usual = std::getenv("MURDER_SANITIZED") != nullptr ? 40 : 200;
  const uint64_t count =
      one != nullptr ? 1 : (many != nullptr ? std::strtoull(many, nullptr, 10) : usual);
  const auto before = std::signal(SIGABRT, print_seed);
  double slowest = 0;
  for (seed_now = first; seed_now < first + count; ++seed_now) {
    CAPTURE(seed_now);
    Prng prng(seed_now);
    const uint32_t piece_bytes = 16384U << prng.below(4);
    Network network({.geometry = {.total_bytes = uint64_t{piece_bytes} * (10 + prng.below(50)) +
                                                 prng.below(piece_bytes),
                                  .piece_bytes = piece_bytes},
                     .seed = seed_now,
                     .latency = std::chrono::microseconds(50 + prng.below(20'000))});
    network.add({.seed = true, .bytes_per_second = 3e6});
    for (uint32_t peer = 2 + prng.below(3); peer > 0; --peer) {
      network.add(random_options(prng));
    }
    Faults faults(network, prng);
    for (uint32_t step = 10 + prng.below(20); step > 0 && network.fault().empty(); --step) {
      network.run(std::chrono::milliseconds(prng.below(150)));
      faults.step();
    }
    faults.end();
    const auto begin = network.now();
    const bool complete = network.run_until_complete(15s);
    slowest = std::max(slowest, murder::seconds_of(network.now() - begin));
    CHECK_MESSAGE(complete, network.description());
    network.run(20s);
    CHECK_MESSAGE(network.fault().empty(), network.description());
  }
  MESSAGE("slowest ", slowest, " s after the last fault");
  std::signal(SIGABRT, before);
}
