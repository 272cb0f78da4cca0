// The process behind `murder seed`: serves a release that is on this host until it is stopped.
#pragma once

#include "engine/base/instant.h"
#include "engine/base/result.h"
#include "engine/host/parent.h"
#include "engine/host/swarm_process.h"

namespace murder::host {

struct SeederWork {
  // Whoever started it is told whether a tracker knows it: nobody would see what is said later.
  // Zero: it is told at once that this serves.
  Duration tracker_wait{};
  Duration idle_max{};  // it ends when no peer was connected for this long; zero: never
};

// Until it is stopped or was idle for long enough, or the error that ended it.
[[nodiscard]] Status run_seeder(const TorrentInput& torrent, const SwarmProcessOptions& options,
                                Parent& parent, const SeederWork& work);

}  // namespace murder::host
