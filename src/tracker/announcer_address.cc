#include "tracker/announcer_address.h"

namespace murder::tracker {

namespace {

// Of one host: neither unspecified nor multicast nor broadcast.
bool is_host_address(const IpAddress& address) {
  if (address.is_unspecified()) {
    return false;
  }
  if (address.is_v4()) {
    return address.v4_bytes()[0] < 224 && address.v4_bytes()[0] != 0;
  }
  return address.bytes[0] != 0xFF;
}

}  // namespace

AnnouncerAddress announcer_address(const codec::AnnounceRequest& request, const IpAddress& remote) {
  AnnouncerAddress result{.endpoint = {.address = remote, .port = request.port}, .alias = {}};
  if (!remote.is_private()) {
    return result;
  }
  if (request.ip && is_host_address(*request.ip)) {
    result.endpoint.address = *request.ip;
  }
  for (const std::optional<Endpoint>& said : {request.ipv4, request.ipv6}) {
    if (!said || !is_host_address(said->address)) {
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

}  // namespace murder::tracker
