#include "engine/sim/scenario.h"

#include <fmt/format.h>

#include "engine/base/ensure.h"
#include "engine/base/prng.h"
#include "engine/base/units.h"
#include "engine/sim/floor.h"

namespace murder::sim {

namespace {

constexpr Duration starved_after = std::chrono::seconds(30);

uint32_t between(Prng& prng, uint32_t least, uint32_t most) {
  ENSURE(least <= most);
  return least + prng.below(most - least + 1);
}

bool chance(Prng& prng, double share) {
  return prng.unit() < share;
}

}  // namespace

Options random_scenario(uint64_t seed) {
  Prng prng(seed);
  Options options;
  options.seed = seed;
  options.host_count = between(prng, 3, 30);
  const uint32_t piece_bytes = (16U * 1024) << prng.below(4);
  options.geometry = {
      .total_bytes = uint64_t{between(prng, 1, 80)} * piece_bytes - prng.below(9000),
      .piece_bytes = piece_bytes};
  options.rate = 1e6 * between(prng, 5, 500);
  options.seed_rate = chance(prng, 0.3) ? options.rate * between(prng, 1, 10) : 0;
  options.latency = std::chrono::microseconds(between(prng, 20, 3000));
  if (chance(prng, 0.4)) {
    options.rack_size = between(prng, 2, 12);
    options.rack_uplink = options.rate * options.rack_size / between(prng, 1, 4);
  }
  const Duration floor = floor_of(options).plain;
  options.join_over = chance(prng, 0.4) ? floor * between(prng, 1, 20) / 10 : Duration{};
  options.slow_share = chance(prng, 0.4) ? 0.3 * prng.unit() : 0;
  options.slow_factor = 0.05 + 0.5 * prng.unit();
  options.slow_disk_share = chance(prng, 0.3) ? 0.3 * prng.unit() : 0;
  options.slow_disk_factor = 0.002;
  options.die_share = chance(prng, 0.6) ? 0.4 * prng.unit() : 0;
  options.silent_share = chance(prng, 0.3) ? prng.unit() : 0;
  if (chance(prng, 0.3)) {
    options.seeder_leaves = 1 + 2 * prng.unit();
  }
  options.reset_count = chance(prng, 0.4) ? between(prng, 1, 3 * options.host_count) : 0;
  options.piece_memory_bytes = uint64_t{between(prng, 2, 24)} * piece_bytes;
  options.check_every = 1;
  options.starved_after = starved_after;
  return options;
}

std::string description_of(const Options& options) {
  std::string text = fmt::format(
      "{} to {} hosts in pieces of {}, {}, {} us", format_size(options.geometry.total_bytes),
      options.host_count, format_size(options.geometry.piece_bytes), format_rate(options.rate),
      options.latency / std::chrono::microseconds(1));
  const auto add = [&](bool applies, const std::string& part) {
    text += applies ? ", " + part : "";
  };
  add(options.seed_rate > 0, "seeder at " + format_rate(options.seed_rate));
  add(options.rack_size > 0,
      fmt::format("racks of {} behind {}", options.rack_size, format_rate(options.rack_uplink)));
  add(options.join_over > Duration{}, "joining over " + format_duration(options.join_over));
  add(options.slow_share > 0,
      fmt::format("{:.0f} % at {:.2f} of the rate", 100 * options.slow_share, options.slow_factor));
  add(options.slow_disk_share > 0,
      fmt::format("{:.0f} % with slow disks", 100 * options.slow_disk_share));
  add(options.die_share > 0, fmt::format("{:.0f} % die, {:.0f} % of them silently",
                                         100 * options.die_share, 100 * options.silent_share));
  add(options.seeder_leaves.has_value(),
      fmt::format("the seeder leaves after {:.2f} copies", options.seeder_leaves.value_or(0)));
  add(options.reset_count > 0, fmt::format("{} connections break", options.reset_count));
  return text;
}

}  // namespace murder::sim
