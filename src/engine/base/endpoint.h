// An IP address and a port. IPv4 is held as an IPv4-mapped IPv6 address (RFC 4291, 2.5.5.2).
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace murder {

struct IpAddress {
  std::array<uint8_t, 16> bytes{};

  constexpr auto operator<=>(const IpAddress&) const = default;

  [[nodiscard]] static IpAddress from_v4(std::span<const uint8_t, 4> four);
  [[nodiscard]] static IpAddress from_v6(std::span<const uint8_t, 16> sixteen);
  // "192.0.2.1", "2001:db8::1"; no names, no brackets, no port.
  [[nodiscard]] static std::optional<IpAddress> parse(std::string_view text);

  [[nodiscard]] bool is_v4() const;
  [[nodiscard]] bool is_unspecified() const;  // 0.0.0.0 or ::
  // Loopback, RFC 1918, RFC 6598, link-local, and IPv6 unique local addresses (RFC 4193).
  [[nodiscard]] bool is_private() const;
  [[nodiscard]] std::span<const uint8_t> v4_bytes() const { return std::span(bytes).subspan(12); }
  [[nodiscard]] std::string text() const;
};

struct Endpoint {
  IpAddress address;
  uint16_t port = 0;

  constexpr auto operator<=>(const Endpoint&) const = default;

  // "192.0.2.1:6881", "[2001:db8::1]:6881".
  [[nodiscard]] static std::optional<Endpoint> parse(std::string_view text);
  [[nodiscard]] std::string text() const;
};

struct EndpointHash {
  size_t operator()(const Endpoint& endpoint) const;
};

// "host:port", "[::1]:port", or without a port the default. False host names are left for the
// resolver.
struct HostPort {
  std::string host;
  uint16_t port = 0;

  [[nodiscard]] static std::optional<HostPort> parse(std::string_view text, uint16_t port_default);
  [[nodiscard]] std::string text() const;  // with brackets where needed

  bool operator==(const HostPort&) const = default;
};

}  // namespace murder
