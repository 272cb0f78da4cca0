// Under which addresses an announcing peer is handed out (BEP 3, 7), and to whom. Pure.
#pragma once

#include <optional>

#include "engine/base/endpoint.h"
#include "engine/codec/announce.h"

namespace murder::tracker {

// Where an announce comes from.
struct Caller {
  // NOLINTNEXTLINE(google-explicit-constructor): a caller of whom no more than this is known
  Caller(const IpAddress& remote_address) : remote(remote_address) {}
  Caller(const IpAddress& remote_address, const IpAddress& local_address)
      : remote(remote_address), local(local_address) {}

  IpAddress remote;
  IpAddress local;  // by which address it reached the tracker; unspecified: not known
};

// 127.0.0.0/8 and ::1: every host has them, and means itself.
[[nodiscard]] bool is_loopback(const IpAddress& address);

struct AnnouncerAddress {
  Endpoint endpoint;
  std::optional<Endpoint> alias;  // of the other family
};

// A peer's address is the one its announce comes from. What it says of itself (ip, ipv4, ipv6)
// counts only if the announce comes from a private address: from elsewhere it could name a victim.
// Addresses that no host can have are ignored, loopback ones from another host, and those that
// another host holds (Swarm::may_speak_for).
[[nodiscard]] AnnouncerAddress announcer_address(const codec::AnnounceRequest& request,
                                                 const IpAddress& remote);

// Where `asker` reaches a peer. One that announced from loopback is on the tracker's own host
// (whose name is 127.0.1.1 in Debian's /etc/hosts), so others reach it by the address by which they
// reached the tracker.
[[nodiscard]] Endpoint endpoint_for(const Caller& asker, const Endpoint& peer);

}  // namespace murder::tracker
