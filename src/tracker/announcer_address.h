// Under which addresses an announcing peer is handed out (BEP 3, 7). Pure.
#pragma once

#include <optional>

#include "engine/base/endpoint.h"
#include "engine/codec/announce.h"

namespace murder::tracker {

struct AnnouncerAddress {
  Endpoint endpoint;
  std::optional<Endpoint> alias;  // of the other family
};

// A peer's address is the one its announce comes from. What it says of itself (ip, ipv4, ipv6)
// counts only if the announce comes from a private address: from elsewhere it could name a victim.
// Addresses that no host can have are ignored, and so are those that another host holds
// (Swarm::may_speak_for).
[[nodiscard]] AnnouncerAddress announcer_address(const codec::AnnounceRequest& request,
                                                 const IpAddress& remote);

}  // namespace murder::tracker
