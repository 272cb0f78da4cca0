#include "engine/sim/flow_network.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "engine/base/prng.h"

using murder::Duration;
using murder::Instant;
using murder::Prng;
using murder::sim::FlowNetwork;

namespace {

constexpr Instant begin{std::chrono::seconds(1)};

struct TestFlow {
  std::vector<uint32_t> links;
  uint32_t number = 0;
};

// Max-min fair rates by progressive filling: all rates grow together until a link is full, which
// settles the flows on it, and so on.
std::vector<double> fair_rates(const std::vector<double>& capacities,
                               const std::vector<TestFlow>& flows) {
  std::vector<double> rates(flows.size(), -1);
  std::vector<double> left = capacities;
  for (size_t settled = 0; settled < flows.size();) {
    double lowest = HUGE_VAL;
    uint32_t narrowest = 0;
    for (uint32_t link = 0; link < capacities.size(); ++link) {
      double count = 0;
      for (size_t flow = 0; flow < flows.size(); ++flow) {
        count += rates[flow] < 0 && std::ranges::count(flows[flow].links, link) > 0 ? 1 : 0;
      }
      if (count > 0 && left[link] / count < lowest) {
        lowest = left[link] / count;
        narrowest = link;
      }
    }
    for (size_t flow = 0; flow < flows.size(); ++flow) {
      if (rates[flow] < 0 && std::ranges::count(flows[flow].links, narrowest) > 0) {
        rates[flow] = lowest;
        ++settled;
        for (const uint32_t link : flows[flow].links) {
          left[link] = std::max(0.0, left[link] - lowest);
        }
      }
    }
  }
  return rates;
}

}  // namespace

TEST_CASE("flows share a link, and one takes what another cannot use") {
  FlowNetwork network(0);
  const uint32_t wide = network.add_link(100);
  const uint32_t narrow = network.add_link(20);
  const uint32_t other = network.add_link(1000);
  const uint32_t first = network.start(std::vector{wide, other}, 1000, 1, begin);
  CHECK(network.rate(first) == doctest::Approx(100));
  const uint32_t second = network.start(std::vector{wide, narrow}, 1000, 2, begin);
  CHECK(network.rate(first) == doctest::Approx(80));
  CHECK(network.rate(second) == doctest::Approx(20));
  network.end(second, begin);
  CHECK(network.rate(first) == doctest::Approx(100));
}

TEST_CASE("a flow ends when its bytes are through, and the rest go on faster") {
  FlowNetwork network(0);
  const uint32_t link = network.add_link(1000);
  const uint32_t shorter = network.start(std::vector{link}, 1000, 7, begin);
  const uint32_t longer = network.start(std::vector{link}, 3000, 8, begin);
  const Instant first_end = begin + std::chrono::seconds(2);
  CHECK(network.next_completion() == first_end);
  CHECK(network.left_bytes(longer, begin + std::chrono::seconds(1)) == doctest::Approx(2500));
  CHECK(network.completed() == shorter);
  CHECK(network.user(shorter) == 7);
  network.end(shorter, first_end);
  CHECK(network.completed() == longer);
  CHECK(network.next_completion() == begin + std::chrono::seconds(4));
  network.prolong(longer, 500, first_end);
  CHECK(network.next_completion() == begin + std::chrono::milliseconds(4500));
  network.end(longer, network.next_completion());
  CHECK(network.next_completion() == murder::instant_never);
}

TEST_CASE("rates are max-min fair after any start and end, in random networks") {
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    CAPTURE(seed);
    Prng prng(seed);
    FlowNetwork network(0);
    std::vector<double> capacities;
    const uint32_t link_count = 4 + prng.below(20);
    for (uint32_t link = 0; link < link_count; ++link) {
      capacities.push_back(prng.below(3) == 0 ? 100 : 1 + prng.below(1000));
      network.add_link(capacities.back());
    }
    std::vector<TestFlow> flows;
    double worst = 0;
    for (uint32_t step = 0; step < 120; ++step) {
      if (!flows.empty() && prng.below(5) < 2) {
        const uint32_t index = prng.below(static_cast<uint32_t>(flows.size()));
        network.end(flows[index].number, begin);
        flows.erase(flows.begin() + index);
      } else {
        TestFlow flow;
        const uint32_t hops = 1 + prng.below(FlowNetwork::links_max);
        while (flow.links.size() < hops) {
          const uint32_t link = prng.below(link_count);
          if (std::ranges::count(flow.links, link) == 0) {
            flow.links.push_back(link);
          }
        }
        flow.number = network.start(flow.links, 1'000'000, 0, begin);
        flows.push_back(flow);
      }
      const std::vector<double> exact = fair_rates(capacities, flows);
      for (size_t index = 0; index < flows.size(); ++index) {
        worst = std::max(worst,
                         std::abs(network.rate(flows[index].number) - exact[index]) / exact[index]);
      }
    }
    CHECK(worst < 1e-9);
    CHECK(network.cut_count() == 0);
  }
}

TEST_CASE("with a precision rates stay near the fair ones") {
  Prng prng(5);
  FlowNetwork network(0.01);
  constexpr uint32_t hosts = 60;
  std::vector<double> capacities;
  for (uint32_t link = 0; link < 2 * hosts; ++link) {
    capacities.push_back(1000);
    network.add_link(1000);
  }
  std::vector<TestFlow> flows;
  double worst = 0;
  double sum = 0;
  double count = 0;
  for (uint32_t step = 0; step < 1500; ++step) {
    if (flows.size() > 2 * hosts) {
      const uint32_t index = prng.below(static_cast<uint32_t>(flows.size()));
      network.end(flows[index].number, begin);
      flows.erase(flows.begin() + index);
    }
    TestFlow flow{.links = {prng.below(hosts), hosts + prng.below(hosts)}};
    flow.number = network.start(flow.links, 1'000'000, 0, begin);
    flows.push_back(flow);
    if (step % 50 == 0) {
      const std::vector<double> exact = fair_rates(capacities, flows);
      for (size_t index = 0; index < flows.size(); ++index) {
        const double error =
            std::abs(network.rate(flows[index].number) - exact[index]) / exact[index];
        worst = std::max(worst, error);
        sum += error;
        count += 1;
      }
    }
  }
  CHECK(sum / count < 0.01);
  CHECK(worst < 0.1);
}
