// The addresses of simulated hosts: each has one of 10.0.0.0/8, by its number.
#pragma once

#include <array>
#include <cstdint>

#include "engine/base/endpoint.h"
#include "engine/base/ensure.h"

namespace murder::sim {

inline constexpr uint16_t listen_port = 6881;

[[nodiscard]] inline Endpoint endpoint_of(uint32_t host) {
  const uint32_t number = host + 1;
  ENSURE(number > 0 && number < (1U << 24U));
  const std::array<uint8_t, 4> address = {10, static_cast<uint8_t>(number >> 16U),
                                          static_cast<uint8_t>(number >> 8U),
                                          static_cast<uint8_t>(number)};
  return {IpAddress::from_v4(address), listen_port};
}

// UINT32_MAX: the address of none of the `host_count` hosts.
[[nodiscard]] inline uint32_t host_at(const Endpoint& endpoint, size_t host_count) {
  const auto bytes = endpoint.address.v4_bytes();
  const uint32_t number = (uint32_t{bytes[1]} << 16U) | (uint32_t{bytes[2]} << 8U) | bytes[3];
  const bool known = endpoint.address.is_v4() && bytes[0] == 10 && endpoint.port == listen_port &&
                     number >= 1 && number <= host_count;
  return known ? number - 1 : UINT32_MAX;
}

}  // namespace murder::sim
