#include "engine/sim/run_plan.h"

#include <algorithm>

#include "engine/base/ensure.h"
#include "engine/sim/clock.h"
#include "engine/sim/draws.h"
#include "engine/sim/floor.h"

namespace murder::sim {

void plan_run(Fleet& fleet, const Options& options, Prng prng) {
  ENSURE(fleet.hosts().size() == size_t{options.host_count} + 1);
  const Duration floor = floor_of(options).plain;
  const auto within = [&](Duration span) {
    return run_start +
           Duration(static_cast<int64_t>(prng.unit() * static_cast<double>(span.count())));
  };
  const auto plan_join = [&](Host& host, Instant when) {
    host.joins_at = when;
    host.push(when, EventKind::join);
  };
  plan_join(fleet.host(seeder_index), run_start - seeder_lead);
  const std::vector<uint32_t> joining = shuffled_hosts(options.host_count, prng);
  for (uint32_t count = 0; count < joining.size(); ++count) {
    const auto share =
        static_cast<double>(count) / std::max(1.0, static_cast<double>(joining.size() - 1));
    const auto after = static_cast<int64_t>(share * static_cast<double>(options.join_over.count()));
    // A nanosecond apart at the least, so that the tracker does not hear of them by their numbers.
    plan_join(fleet.host(joining[count]), run_start + std::max(Duration(after), Duration(count)));
  }
  const std::vector<uint32_t> dying = shuffled_hosts(options.host_count, prng);
  const uint32_t dying_count = part_of(options.die_share, options.host_count);
  for (uint32_t count = 0; count < dying_count; ++count) {
    Host& host = fleet.host(dying[count]);
    host.dies_silently = prng.unit() < options.silent_share;
    host.dies_at = within(floor);
    host.push(host.dies_at, EventKind::die);
  }
  for (uint32_t count = 0; count < options.reset_count; ++count) {
    const Instant when = within(floor);
    fleet.host(1 + prng.below(options.host_count)).push(when, EventKind::reset);
  }
  for (const auto& host : fleet.hosts()) {
    const bool counts = host->index != seeder_index && host->dies_at == instant_never;
    host->region->unfinished_count += counts ? 1 : 0;
    host->region->next_at = std::min(host->region->next_at, host->agenda.next_at());
  }
}

}  // namespace murder::sim
