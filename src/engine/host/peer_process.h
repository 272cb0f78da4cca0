// The process behind `murder peer`: fetches, delivers, tells how it ended, and serves for a while.
//
// Whatever waits for the disk (unpacking, syncing, the record, the outcome) runs on threads of its
// own; the reactor's only starts them and hears of their end.
#pragma once

#include <optional>

#include "cli/ui/background.h"
#include "engine/base/instant.h"
#include "engine/base/result.h"
#include "engine/host/delivery.h"
#include "engine/host/run_as.h"
#include "engine/host/swarm_process.h"

namespace murder::cli {

struct PeerWork {
  host::DeliveryOptions delivery;
  Duration seed_for{};
  Duration give_up_after{};  // zero: never
  std::string deploy;        // stands in the outcome
  bool background = false;   // the front ends when the download has begun
  bool record = false;       // it is a failure when the release is in place and not recorded
  bool sync_to_disk = true;  // the outcome
  // Root gives up its rights to this user, and a helper keeps them to place the release.
  std::optional<host::RunAs> run_as;
};

// Until it is stopped or has served long enough. The exit code, or the error that ended it.
[[nodiscard]] Result<int> run_peer_process(const TorrentInput& torrent,
                                           const SwarmProcessOptions& options, Front& front,
                                           const PeerWork& work);

}  // namespace murder::cli
