// What a peer looks at before it fetches: the release may be in its place already, and another peer
// of the tag may be at work.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "engine/base/result.h"
#include "engine/host/delivery.h"
#include "engine/host/parent.h"

namespace murder::host {

struct EndOptions {
  std::string tag;
  bool whatever_they_do = false;  // else one that still fetches is an error
};
// One download of a tag at a time. A peer that has finished only serves: it makes room, since it
// holds the archive.
[[nodiscard]] Status end_peers_before(const EndOptions& options, const std::string& run_directory);

// Where the serial of a signed release is kept, and whether it may be placed there; nothing is done
// for one that needs no signature. Errors: as check_signed_placing().
[[nodiscard]] Status plan_signed_placing(DeliveryOptions& delivery,
                                         const codec::Metainfo& metainfo);

// What is asked of a peer.
struct PeerRequest {
  std::string tag;
  std::string info_hash;
  std::string run_directory;
  DeliveryOptions delivery;
  bool leaves_outcome = false;  // for `murder wait`
  bool is_recorded = false;     // among those that may be activated, rolled back to and removed
  std::string deploy;           // stands in the outcome
  uid_t user_id = 0;            // whose the archive is
};

struct PeerPlan {
  DeliveryOptions delivery;
  std::optional<FinalReport> report;  // the release is in its place: there is nothing to do
};
// Looks at the place. Errors: another release has it, it cannot take this one, or the outcome or
// the record cannot be written.
[[nodiscard]] Result<PeerPlan> plan_peer(const PeerRequest& request,
                                         const codec::Metainfo& metainfo);

// Before the process exists: whoever waits finds this one, not that of a peer before it.
[[nodiscard]] Status leave_running_outcome(const PeerRequest& request);

}  // namespace murder::host
