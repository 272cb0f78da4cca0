// Short ways to write ids, endpoints and instants in tests of the tracker.
#pragma once

#include <chrono>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "engine/base/endpoint.h"
#include "engine/base/instant.h"
#include "engine/base/types.h"

namespace murder::test {

using namespace std::chrono_literals;

inline const Instant start = Instant{} + std::chrono::hours(1);

// The number in the last bytes, `head` in front: "-MU0001-" for a peer of our kind.
template <typename Kind>
Id20<Kind> id_of(std::string_view head, uint32_t number) {
  Id20<Kind> id;
  std::memcpy(id.bytes.data(), head.data(), head.size());
  for (size_t index = 0; index < 4; ++index) {
    id.bytes[19 - index] = static_cast<uint8_t>(number >> (8 * index));
  }
  return id;
}

inline PeerId own_peer(uint32_t number) {
  return id_of<struct murder::PeerIdKind>("-MU0001-", number);
}
inline PeerId foreign_peer(uint32_t number) {
  return id_of<struct murder::PeerIdKind>("-LT20C0-", number);
}
inline InfoHash hash_number(uint32_t number) {
  return id_of<struct murder::InfoHashKind>("", number);
}

inline IpAddress address(std::string_view text) {
  return IpAddress::parse(text).value();
}

// 10.x.y.z of a number.
inline IpAddress v4_number(uint32_t number) {
  const uint8_t bytes[4] = {10, static_cast<uint8_t>(number >> 16U),
                            static_cast<uint8_t>(number >> 8U), static_cast<uint8_t>(number)};
  return IpAddress::from_v4(std::span<const uint8_t, 4>(bytes));
}

inline IpAddress v6_number(uint32_t number) {
  IpAddress result = address("2001:db8::");
  for (size_t index = 0; index < 4; ++index) {
    result.bytes[15 - index] = static_cast<uint8_t>(number >> (8 * index));
  }
  return result;
}

}  // namespace murder::test
