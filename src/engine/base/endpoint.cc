#include "engine/base/endpoint.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace murder {
namespace {

constexpr std::array<uint8_t, 12> v4_prefix = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

std::optional<uint16_t> parse_port(std::string_view text) {
  uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc{} || end != text.data() + text.size() || port == 0) {
    return std::nullopt;
  }
  return port;
}

}  // namespace

IpAddress IpAddress::from_v4(std::span<const uint8_t, 4> four) {
  IpAddress address;
  std::copy(v4_prefix.begin(), v4_prefix.end(), address.bytes.begin());
  std::copy(four.begin(), four.end(), address.bytes.begin() + 12);
  return address;
}

IpAddress IpAddress::from_v6(std::span<const uint8_t, 16> sixteen) {
  IpAddress address;
  std::copy(sixteen.begin(), sixteen.end(), address.bytes.begin());
  return address;
}

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
  char buffer[INET6_ADDRSTRLEN + 1] = {};
  if (text.empty() || text.size() >= sizeof buffer) {
    return std::nullopt;
  }
  std::memcpy(buffer, text.data(), text.size());
  std::array<uint8_t, 16> parsed{};
  if (inet_pton(AF_INET, buffer, parsed.data()) == 1) {
    return from_v4(std::span(parsed).first<4>());
  }
  if (inet_pton(AF_INET6, buffer, parsed.data()) == 1) {
    return from_v6(parsed);
  }
  return std::nullopt;
}

bool IpAddress::is_v4() const {
  return std::equal(v4_prefix.begin(), v4_prefix.end(), bytes.begin());
}

bool IpAddress::is_unspecified() const {
  const size_t from = is_v4() ? 12 : 0;
  return std::all_of(bytes.begin() + static_cast<std::ptrdiff_t>(from), bytes.end(),
                     [](uint8_t byte) { return byte == 0; });
}

bool IpAddress::is_private() const {
  if (is_v4()) {
    const uint8_t first = bytes[12];
    const uint8_t second = bytes[13];
    return first == 127 || first == 10 || (first == 172 && (second & 0xf0U) == 16) ||
           (first == 192 && second == 168) || (first == 169 && second == 254) ||
           (first == 100 && (second & 0xc0U) == 64);
  }
  const bool loopback =
      std::all_of(bytes.begin(), bytes.end() - 1, [](uint8_t byte) { return byte == 0; }) &&
      bytes[15] == 1;
  const bool unique_local = (bytes[0] & 0xfeU) == 0xfc;
  const bool link_local = bytes[0] == 0xfe && (bytes[1] & 0xc0U) == 0x80;
  return loopback || unique_local || link_local;
}

std::string IpAddress::text() const {
  char buffer[INET6_ADDRSTRLEN] = {};
  if (is_v4()) {
    inet_ntop(AF_INET, bytes.data() + 12, buffer, sizeof buffer);
  } else {
    inet_ntop(AF_INET6, bytes.data(), buffer, sizeof buffer);
  }
  return buffer;
}

std::optional<Endpoint> Endpoint::parse(std::string_view text) {
  const std::optional<HostPort> parts = HostPort::parse(text, 0);
  if (!parts || parts->port == 0) {
    return std::nullopt;
  }
  const std::optional<IpAddress> address = IpAddress::parse(parts->host);
  if (!address) {
    return std::nullopt;
  }
  return Endpoint{*address, parts->port};
}

std::string Endpoint::text() const {
  const std::string host = address.text();
  const std::string number = std::to_string(port);
  return address.is_v4() ? host + ":" + number : "[" + host + "]:" + number;
}

size_t EndpointHash::operator()(const Endpoint& endpoint) const {
  uint64_t high = 0;
  uint64_t low = 0;
  std::memcpy(&high, endpoint.address.bytes.data(), 8);
  std::memcpy(&low, endpoint.address.bytes.data() + 8, 8);
  uint64_t mixed = (high ^ endpoint.port) * 0x9E3779B97F4A7C15U + low;
  mixed = (mixed ^ (mixed >> 30U)) * 0xBF58476D1CE4E5B9U;
  mixed = (mixed ^ (mixed >> 27U)) * 0x94D049BB133111EBU;
  return mixed ^ (mixed >> 31U);
}

std::optional<HostPort> HostPort::parse(std::string_view text, uint16_t port_default) {
  HostPort result{.host = {}, .port = port_default};
  std::string_view port_text;
  bool has_port = false;
  if (!text.empty() && text.front() == '[') {
    const size_t close = text.find(']');
    if (close == std::string_view::npos) {
      return std::nullopt;
    }
    result.host = text.substr(1, close - 1);
    const std::string_view rest = text.substr(close + 1);
    if (!rest.empty()) {
      if (rest.front() != ':') {
        return std::nullopt;
      }
      port_text = rest.substr(1);
      has_port = true;
    }
  } else {
    const size_t colon = text.find(':');
    const bool bare_v6 =
        colon != std::string_view::npos && text.find(':', colon + 1) != std::string_view::npos;
    if (colon == std::string_view::npos || bare_v6) {
      result.host = text;
    } else {
      result.host = text.substr(0, colon);
      port_text = text.substr(colon + 1);
      has_port = true;
    }
  }
  if (has_port) {
    const std::optional<uint16_t> port = parse_port(port_text);
    if (!port) {
      return std::nullopt;
    }
    result.port = *port;
  }
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '-' || c == '_' || c == ':' || c == '%';
  };
  if (result.host.empty() || !std::all_of(result.host.begin(), result.host.end(), allowed)) {
    return std::nullopt;
  }
  return result;
}

std::string HostPort::text() const {
  const std::string number = std::to_string(port);
  if (host.find(':') != std::string::npos) {
    return "[" + host + "]:" + number;
  }
  return host + ":" + number;
}

}  // namespace murder
