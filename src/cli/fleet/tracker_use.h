// Whether a tracker may be ended: what is distributed through it, as `murder status --json` of its
// host tells. Pure.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "engine/base/json.h"

namespace murder::fleet {

// The tracker that listens on `port` there, in this status; null: there is none.
[[nodiscard]] const Json* tracker_on(const Json& status, uint16_t port);

// What the seeders of this status serve, as info hashes. Peers that have finished are none.
[[nodiscard]] std::vector<std::string> served_releases(const Json& status);

// A release that the tracker knows hosts of.
struct TrackedRelease {
  std::string name;
  std::string info_hash;
  uint64_t seeders = 0;
  uint64_t leechers = 0;
};

[[nodiscard]] std::vector<TrackedRelease> releases_of(const Json& tracker);

// Why the tracker is to go on, "v42 is distributed through it (12 hosts fetch it)"; empty: nothing
// needs it. A release needs it that is still fetched, or that is among the `served`: hosts that
// have finished and lend what they have for a while do not.
[[nodiscard]] std::string reason_to_keep(const Json& tracker, std::span<const std::string> served);
// For a deploy that ends the tracker it started: any other release that hosts are there of.
[[nodiscard]] std::string reason_to_keep_after(const Json& tracker,
                                               const std::string& deployed_info_hash);

}  // namespace murder::fleet
