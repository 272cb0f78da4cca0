// How often peers announce, and how long a silent one is taken to live. Pure.
#pragma once

#include <cstdint>

#include "engine/base/instant.h"
#include "engine/base/prng.h"
#include "engine/base/types.h"
#include "tracker/bounds.h"

namespace murder::tracker {

// Whether this peer id is of our own kind ("-MU", BEP 20): such a peer keeps to the interval it is
// told.
[[nodiscard]] bool is_own_kind(const PeerId& peer_id);

// The announce interval when this many peers announce to the tracker, in whole seconds: as many
// seconds as it takes to serve them all at limits::announces_per_second_target, within
// limits::announce_interval_min .. max. Short for a small fleet, so that a restarted tracker knows
// it again within seconds; shorter still (limits::progress_interval_min) for one of our own peers
// that fetches, since it tells how far it is.
[[nodiscard]] Duration announce_interval(uint32_t peer_count, bool tells_progress = false);

// The interval with up to a tenth (at least a second) added, so that hosts that started together
// do not announce together for ever.
[[nodiscard]] Duration spread_interval(Duration interval, Prng& prng);

// How long after an announce a silent peer is forgotten, if it was told this interval (one shorter
// than limits::announce_interval_min counts as that).
[[nodiscard]] Duration peer_lifetime(bool own_kind, Duration interval);

// How long after an announce a silent peer is taken for dead as long as there are others to hand
// out. A peer of another kind is free to stay away for its whole lifetime.
[[nodiscard]] Duration overdue_after(bool own_kind, Duration interval);

}  // namespace murder::tracker
