#include "engine/sim/outcome.h"

#include <algorithm>

#include "engine/base/ensure.h"
#include "engine/sim/floor.h"

namespace murder::sim {

namespace {

// The least value that this share of the (ascending) values does not exceed.
Duration quantile(const std::vector<Duration>& values, double share) {
  ENSURE(share >= 0 && share <= 1);
  if (values.empty()) {
    return {};
  }
  const auto rank = static_cast<size_t>(share * static_cast<double>(values.size()) + 0.999999);
  return values[std::clamp<size_t>(rank, 1, values.size()) - 1];
}

}  // namespace

Outcome outcome_of(const Simulation& simulation) {
  const Options& options = simulation.options();
  const Floor floor = floor_of(options);
  const auto size = static_cast<double>(options.geometry.total_bytes);
  Outcome outcome{.fault = simulation.fault(),
                  .host_count = options.host_count,
                  .lost_count = simulation.lost_count(),
                  .floor = floor.plain,
                  .floor_of_this_run = floor.of_this_run};
  std::vector<Duration> usual;
  double needed = 0;
  double came = 0;
  for (const auto& host : simulation.hosts()) {
    if (host->index == seeder_index) {
      continue;
    }
    outcome.died_count += host->state == Host::State::dead ? 1 : 0;
    came += static_cast<double>(host->wanted_bytes + host->unwanted_bytes);
    needed += std::min(
        size, static_cast<double>(uint64_t{host->stored.count()} * options.geometry.piece_bytes));
    if (host->done_at == instant_never) {
      continue;
    }
    const Duration after = Simulation::since_start(host->done_at);
    outcome.done_after.push_back(after);
    if (host->is_slow) {
      outcome.slow_last = std::max(outcome.slow_last, after);
    } else {
      usual.push_back(after);
      outcome.longest_wait = std::max(outcome.longest_wait, host->longest_wait);
    }
  }
  std::sort(usual.begin(), usual.end());
  std::sort(outcome.done_after.begin(), outcome.done_after.end());
  outcome.done_count = static_cast<uint32_t>(outcome.done_after.size());
  outcome.last = quantile(usual, 1);
  outcome.p99 = quantile(usual, 0.99);
  outcome.p50 = quantile(usual, 0.5);
  outcome.ratio = seconds_of(outcome.last) / seconds_of(outcome.floor);
  if (const auto& seeder = simulation.hosts()[seeder_index]->swarm; seeder != nullptr) {
    outcome.seeder_copies = static_cast<double>(seeder->stats().uploaded_bytes) / size;
  }
  for (const uint64_t bytes : simulation.rack_bytes()) {
    outcome.rack_copies_max = std::max(outcome.rack_copies_max, static_cast<double>(bytes) / size);
  }
  outcome.duplicate_fraction = came > 0 ? std::max(0.0, (came - needed) / came) : 0;
  const Counters counters = simulation.counters();
  outcome.messages_per_host = static_cast<double>(counters.message_count) / options.host_count;
  outcome.message_bytes_per_host = static_cast<double>(counters.message_bytes) / options.host_count;
  return outcome;
}

}  // namespace murder::sim
