// The part of the plan that concerns the network interface: ring, queues, interrupts.
#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <set>

#include "cli/commands/tune/plan.h"

namespace murder::cli::tune {
namespace {

// Below this a driver's defaults hold some milliseconds.
constexpr uint64_t fast_bytes_per_second = 1'000'000'000;

void plan_ring(const Facts& facts, Plan& plan) {
  const InterfaceFacts& interface = facts.interface;
  if (!interface.ring || interface.ring->receive_max == 0) {
    return;
  }
  // What arrives within 4 ms, a tick at HZ=250.
  const uint64_t frames = std::bit_ceil(plan.bytes_per_second / 250 / frame_bytes);
  const uint64_t wanted = std::max<uint64_t>(
      interface.ring->receive, std::min<uint64_t>(frames, interface.ring->receive_max));
  plan.changes.push_back(
      {.place = Place::receive_ring,
       .key = interface.name,
       .now = fmt::format("{}", interface.ring->receive),
       .wanted = fmt::format("{}", wanted),
       .why = "packets of 4 ms at this rate wait here until the processor takes them; the one for "
              "sending stays, its bytes are bounded by BQL. Many drivers take the link down for a "
              "moment",
       .source = "ethtool(8); netlink ethtool: Documentation/networking/ethtool-netlink.rst"});
}

void plan_channels(const Facts& facts, Plan& plan) {
  const InterfaceFacts& interface = facts.interface;
  if (!interface.channels || interface.channels->combined_max < 2 || facts.near_cpus.empty()) {
    return;
  }
  const uint32_t now = interface.channels->combined;
  const uint32_t wanted =
      std::max(now, std::min<uint32_t>(interface.channels->combined_max,
                                       static_cast<uint32_t>(facts.near_cpus.size())));
  plan.changes.push_back(
      {.place = Place::channels,
       .key = interface.name,
       .now = fmt::format("{}", now),
       .wanted = fmt::format("{}", wanted),
       .why = fmt::format("a queue for each of the {} processors beside the interface",
                          facts.near_cpus.size()),
       .source = "ethtool(8); Documentation/networking/scaling.rst"});
}

// Whether each is served near the interface, and no processor serves two while another has none.
bool are_spread(const Facts& facts) {
  const std::set<uint32_t> near(facts.near_cpus.begin(), facts.near_cpus.end());
  std::set<uint32_t> serving;
  for (const InterruptFacts& interrupt : facts.interface.interrupts) {
    for (const uint32_t cpu : interrupt.serving) {
      if (!near.contains(cpu)) {
        return false;
      }
      serving.insert(cpu);
    }
  }
  return serving.size() >= std::min(facts.interface.interrupts.size(), near.size());
}

void plan_interrupts(const Facts& facts, Plan& plan) {
  const std::vector<InterruptFacts>& interrupts = facts.interface.interrupts;
  if (interrupts.empty() || facts.near_cpus.size() < 2) {
    return;
  }
  if (std::any_of(plan.changes.begin(), plan.changes.end(), [](const Change& change) {
        return change.place == Place::channels && change.is_pending();
      })) {
    plan.notes.push_back(
        fmt::format("{} gets other interrupts with other queues: run tune again once they are set",
                    facts.interface.name));
    return;
  }
  if (facts.irqbalance_runs) {
    plan.notes.push_back(fmt::format(
        "irqbalance places the interrupts of {}, beside its NUMA node by itself: they are left to "
        "it (irqbalance(1): --banirq takes one away from it)",
        facts.interface.name));
    return;
  }
  const bool is_good = are_spread(facts);
  size_t index = 0;
  for (const InterruptFacts& interrupt : interrupts) {
    const uint32_t cpu = facts.near_cpus[index++ % facts.near_cpus.size()];
    plan.changes.push_back(
        {.place = Place::interrupt,
         .key = interrupt.action,
         .now = interrupt.allowed,
         .wanted = is_good ? interrupt.allowed : fmt::format("{}", cpu),
         .why = is_good ? "served beside the interface, each on its processor"
                        : "a queue for each processor, on the NUMA node of the interface",
         .source = "Documentation/core-api/irq/irq-affinity.rst; "
                   "Documentation/networking/scaling.rst"});
  }
}

}  // namespace

void plan_interface(const Facts& facts, Plan& plan) {
  if (facts.interface.name.empty()) {
    plan.notes.push_back("no network interface with a device was found: --interface names one");
    return;
  }
  if (facts.numa_nodes > 1 && facts.interface.numa_node >= 0) {
    plan.notes.push_back(
        fmt::format("{0} is on NUMA node {1}: peers with several shards are started there (numactl "
                    "--cpunodebind={1} --preferred={1} murder peer ...)",
                    facts.interface.name, facts.interface.numa_node));
  }
  if (plan.bytes_per_second < fast_bytes_per_second) {
    return;
  }
  plan_ring(facts, plan);
  plan_channels(facts, plan);
  plan_interrupts(facts, plan);
}

}  // namespace murder::cli::tune
