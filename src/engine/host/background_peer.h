// How a peer in the background is: by the outcome that it leaves (peer_outcome.h), and by its
// control socket as long as it runs.
#pragma once

#include <string>

#include "engine/base/json.h"
#include "engine/base/result.h"
#include "engine/base/types.h"
#include "engine/host/run_directory.h"

namespace murder::host {

struct PeerLook {
  bool asks_process = false;  // also the process, for its figures and whether it still runs
};
// Its outcome: "state", and of one that runs what it answered. One that was killed has failed.
// Errors: not_found, no peer of that tag was started in the background here.
[[nodiscard]] Result<Json> look_at_peer(const RunDirectory& directory, const std::string& tag,
                                        const PeerLook& look);

// Whether a peer of this release, which was started in the background, is at work here: one that
// only serves is not.
[[nodiscard]] Result<bool> is_fetched_here(const std::string& run_directory, const std::string& tag,
                                           const InfoHash& release);

// Whether another peer of that tag than the process `own_pid` runs here: the outcome is that one's.
// `own_pid` is not asked.
[[nodiscard]] bool has_other_peer(const std::string& run_directory, const std::string& tag,
                                  int own_pid);

// The outcome, but of a release that was removed since it was delivered that it is not there.
[[nodiscard]] Json with_place_checked(Json outcome);

// The end of what the peer wrote, for whoever asks why it failed.
[[nodiscard]] std::string peer_log_tail(const RunDirectory& directory, const std::string& tag);

}  // namespace murder::host
