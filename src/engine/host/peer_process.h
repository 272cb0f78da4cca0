// The process behind `murder peer`: fetches, delivers, tells how it ended, and serves for a while.
//
// Whatever waits for the disk (unpacking, syncing, the record, the outcome) runs on threads of its
// own; the reactor's only starts them and hears of their end.
#pragma once

#include <optional>

#include "engine/base/instant.h"
#include "engine/base/result.h"
#include "engine/host/delivery.h"
#include "engine/host/parent.h"
#include "engine/host/run_as.h"
#include "engine/host/swarm_process.h"

namespace murder::host {

struct PeerWork {
  DeliveryOptions delivery;
  Duration seed_for{};
  Duration give_up_after{};  // zero: never
  std::string deploy;        // stands in the outcome
  bool background = false;   // the parent ends when the download has begun
  bool record = false;       // it is a failure when the release is in place and not recorded
  bool sync_to_disk = true;  // the outcome
  // Root gives up its rights to this user, and a helper keeps them to place the release.
  std::optional<RunAs> run_as;
};

// Until it is stopped or has served long enough, or the error that ended it.
[[nodiscard]] Status run_peer_process(const TorrentInput& torrent,
                                      const SwarmProcessOptions& options, Parent& parent,
                                      const PeerWork& work);

}  // namespace murder::host
