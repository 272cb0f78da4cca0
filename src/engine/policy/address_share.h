// How many connections one address may have over which nothing was exchanged: connections cost a
// stranger nothing, and several honest hosts may share an address (a NAT, one machine). Pure.
#pragma once

#include <algorithm>
#include <cstdint>

#include "engine/base/endpoint.h"

namespace murder::policy {

// What counts as one address: of IPv6 its network of 64 bits, since a host has all of one.
[[nodiscard]] inline IpAddress shared_address(IpAddress address) {
  if (!address.is_v4()) {
    std::fill(address.bytes.begin() + 8, address.bytes.end(), uint8_t{0});
  }
  return address;
}

// `named_count`: hosts that a tracker named there, each of which may connect. `places`: connections
// that there may be in all; a half is left to other addresses.
[[nodiscard]] inline uint32_t idle_connections_max(uint32_t named_count, uint32_t places) {
  constexpr uint32_t least = 4;
  constexpr uint32_t share = 8;
  const uint32_t most = std::max(places / 2, least);
  return std::clamp(places / share + std::min(named_count, places), least, most);
}

}  // namespace murder::policy
