// http URLs (RFC 3986) and percent encoding.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "engine/base/result.h"

namespace murder::codec {

inline constexpr uint16_t http_port_default = 80;

// An http:// URL. Nothing in it holds a space, a control character or a byte above 126.
struct Url {
  std::string host;  // a name or a numeric address, an IPv6 one without its brackets
  uint16_t port = http_port_default;
  std::string path = "/";  // raw (still percent-encoded), starts with '/'
  std::string query;       // raw, without '?'

  bool operator==(const Url&) const = default;

  // A fragment is dropped. Errors: another scheme than http (unsupported), user names, a bad host
  // or port, characters that do not belong into a URL.
  [[nodiscard]] static Result<Url> parse(std::string_view text);

  // What a request line asks for: path and query.
  [[nodiscard]] std::string target() const;
  // For the Host header: with brackets for IPv6, and with the port unless it is 80.
  [[nodiscard]] std::string authority() const;
  [[nodiscard]] std::string text() const;
};

// The URL that `reference` (a Location header) names, seen from `base`: absolute ("http://h/p"), or
// from the root of the same host ("/p?q"), or relative to the path's folder ("p").
[[nodiscard]] Result<Url> resolve_url(const Url& base, std::string_view reference);

// %XX for every byte but letters, digits and "-._~" (RFC 3986, 2.3).
void append_percent_encoded(std::string& out, std::span<const uint8_t> bytes);
[[nodiscard]] std::string percent_encode(std::string_view text);

// Any bytes may come out. '+' stays '+'. Errors: '%' without two hexadecimal digits behind it.
[[nodiscard]] Result<std::string> percent_decode(std::string_view text);

}  // namespace murder::codec
