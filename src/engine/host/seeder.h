// The process behind `murder seed`: serves a release that is on this host until it is stopped.
#pragma once

#include <cstdint>

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
  // It belongs to a deploy of its tag: when none is at work on this host it ends as soon as no peer
  // is connected.
  bool ends_with_deploy = false;
};

enum class SeederEnd : uint8_t { stopped, idle, without_deploy };

// Until it is stopped or was idle for long enough, or the error that ended it.
[[nodiscard]] Result<SeederEnd> run_seeder(const TorrentInput& torrent,
                                           const SwarmProcessOptions& options, Parent& parent,
                                           const SeederWork& work);

}  // namespace murder::host
