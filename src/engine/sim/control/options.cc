#include "engine/sim/control/options.h"

#include <fmt/format.h>

#include "engine/base/prng.h"

namespace murder::control_sim {

Options random_options(uint64_t seed) {
  Prng prng(seed);
  const auto sometimes = [&](double chance, double most) {
    const double value = most * prng.unit();
    return prng.unit() < chance ? value : 0;
  };
  Options options;
  options.seed = seed;
  options.host_count = prng.below(25) == 0 ? 100 + prng.below(200) : 1 + prng.below(30);
  options.app_count = 1 + prng.below(2);
  options.rack_count = 1 + prng.below(5);
  options.lost_share = sometimes(0.6, 0.2);
  options.doubled_share = sometimes(0.5, 0.2);
  options.late_share = sometimes(0.5, 0.1);
  options.kills = sometimes(0.6, 3);
  options.reboots = sometimes(0.5, 1);
  options.cuts = sometimes(0.6, 1);
  options.wipe_share = sometimes(0.3, 0.5);
  options.die_share = sometimes(0.4, 0.2);
  options.liar_share = sometimes(0.4, 0.3);
  options.bad_share = sometimes(0.7, 0.7);
  options.restarts = prng.below(2) == 0 ? prng.below(8) : 0;
  options.command_count = 4 + prng.below(20);
  return options;
}

std::string description_of(const Options& options) {
  std::string text = fmt::format("{} hosts in {} racks, {} apps, {} commands", options.host_count,
                                 options.rack_count, options.app_count, options.command_count);
  const auto add = [&](double value, std::string_view what) {
    if (value > 0) {
      text += fmt::format(", {:.2f} {}", value, what);
    }
  };
  add(options.lost_share, "of the messages lost");
  add(options.doubled_share, "doubled");
  add(options.late_share, "late");
  add(options.kills, "kills a host");
  add(options.reboots, "reboots a host");
  add(options.cuts, "cuts a host");
  add(options.die_share, "of the hosts die");
  add(options.liar_share, "of the hosts lie");
  add(options.bad_share, "of the releases bad");
  add(options.restarts, "restarts of the coordinator");
  return text;
}

}  // namespace murder::control_sim
