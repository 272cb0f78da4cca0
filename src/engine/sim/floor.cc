#include "engine/sim/floor.h"

#include <algorithm>
#include <bit>

namespace murder::sim {

Floor floor_of(const Options& options) {
  const double piece = options.geometry.piece_bytes / options.rate;
  // Of a last piece that is short, only its bytes count.
  const double copy = static_cast<double>(options.geometry.total_bytes) / options.rate;
  // ceil(log2(N + 1)): the bits of N.
  const auto rounds = static_cast<double>(std::bit_width(options.host_count));
  const double plain = copy + (rounds - 1) * piece;
  double here = plain;
  if (options.seed_rate > 0) {
    const double given = static_cast<double>(options.geometry.total_bytes) / options.seed_rate;
    here = std::max(copy, given + (rounds - 1) * piece);
  }
  if (options.rack_uplink > 0) {
    const double entered = static_cast<double>(options.geometry.total_bytes) / options.rack_uplink;
    here = std::max(here, entered);
  }
  here = std::max(here, seconds_of(options.join_over) + copy);
  const auto duration = [](double seconds) {
    return Duration(static_cast<int64_t>(seconds * 1e9));
  };
  return {.plain = duration(plain), .of_this_run = duration(here)};
}

}  // namespace murder::sim
