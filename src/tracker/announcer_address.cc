#include "tracker/announcer_address.h"

#include <algorithm>

namespace murder::tracker {

namespace {

// What `remote` may be: neither unspecified nor multicast nor broadcast, nor another host's
// loopback.
bool may_be(const IpAddress& address, const IpAddress& remote) {
  if (address.is_unspecified() || (is_loopback(address) && !is_loopback(remote))) {
    return false;
  }
  if (address.is_v4()) {
    return address.v4_bytes()[0] < 224 && address.v4_bytes()[0] != 0;
  }
  return address.bytes[0] != 0xFF;
}

}  // namespace

bool is_loopback(const IpAddress& address) {
  if (address.is_v4()) {
    return address.v4_bytes()[0] == 127;
  }
  return address.bytes[15] == 1 && std::all_of(address.bytes.begin(), address.bytes.end() - 1,
                                               [](uint8_t byte) { return byte == 0; });
}

AnnouncerAddress announcer_address(const codec::AnnounceRequest& request, const IpAddress& remote) {
  AnnouncerAddress result{.endpoint = {.address = remote, .port = request.port}, .alias = {}};
  if (!remote.is_private()) {
    return result;
  }
  if (request.ip && may_be(*request.ip, remote)) {
    result.endpoint.address = *request.ip;
  }
  for (const std::optional<Endpoint>& said : {request.ipv4, request.ipv6}) {
    if (!said || !may_be(said->address, remote)) {
      continue;
    }
    const Endpoint endpoint{.address = said->address,
                            .port = said->port != 0 ? said->port : request.port};
    if (endpoint.address.is_v4() != result.endpoint.address.is_v4()) {
      result.alias = endpoint;
    } else if (!request.ip) {
      result.endpoint = endpoint;
    }
  }
  return result;
}

Endpoint endpoint_for(const Caller& asker, const Endpoint& peer) {
  if (!is_loopback(peer.address) || is_loopback(asker.remote) || asker.local.is_unspecified() ||
      is_loopback(asker.local)) {
    return peer;
  }
  return {.address = asker.local, .port = peer.port};
}

}  // namespace murder::tracker
