#include "tracker/interval_policy.h"

#include <algorithm>

#include "tracker/bounds.h"

namespace murder::tracker {

bool is_own_kind(const PeerId& peer_id) {
  return peer_id.bytes[0] == '-' && peer_id.bytes[1] == 'M' && peer_id.bytes[2] == 'U';
}

Duration announce_interval(uint32_t peer_count, bool tells_progress) {
  const Duration to_serve_all =
      std::chrono::seconds(peer_count / limits::announces_per_second_target);
  return std::clamp(to_serve_all,
                    tells_progress ? limits::progress_interval_min : limits::announce_interval_min,
                    limits::announce_interval_max);
}

Duration spread_interval(Duration interval, Prng& prng) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(interval).count();
  const auto spread = static_cast<uint32_t>(std::max<int64_t>(1, seconds / 10));
  return interval + std::chrono::seconds(prng.below(spread + 1));
}

Duration peer_lifetime(bool own_kind, Duration interval) {
  const Duration lifetime =
      3 * std::max(interval, limits::announce_interval_min) + std::chrono::seconds(10);
  return own_kind ? lifetime : std::max(lifetime, limits::foreign_peer_lifetime_min);
}

Duration overdue_after(bool own_kind, Duration interval) {
  const Duration late = std::max(limits::announce_late_min, interval / 4);
  return own_kind ? interval + late : peer_lifetime(own_kind, interval);
}

}  // namespace murder::tracker
