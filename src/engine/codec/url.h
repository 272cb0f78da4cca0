// http and https URLs (RFC 3986) and percent encoding.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "engine/base/result.h"

namespace murder::codec {

inline constexpr uint16_t http_port_default = 80;
inline constexpr uint16_t https_port_default = 443;

// An http:// or https:// URL. Nothing in it holds a space, a control character or a byte above 126.
struct Url {
  std::string host;  // a name or a numeric address, an IPv6 one without its brackets
  uint16_t port = http_port_default;
  std::string path = "/";  // raw (still percent-encoded), starts with '/'
  std::string query;       // raw, without '?'
  bool is_https = false;
  // Of an https URL that ends with "#pin=...": whose keys the server may have, as it is written. No
  // server is told a fragment.
  std::string pins = {};

  bool operator==(const Url&) const = default;

  // Any other fragment is dropped. Errors: another scheme (unsupported), user names, a bad host or
  // port, characters that do not belong into a URL.
  [[nodiscard]] static Result<Url> parse(std::string_view text);

  // What a request line asks for: path and query.
  [[nodiscard]] std::string target() const;
  // For the Host header: with brackets for IPv6, and with the port unless it is the scheme's.
  [[nodiscard]] std::string authority() const;
  // Scheme and authority: "https://host:8998".
  [[nodiscard]] std::string origin() const;
  // Without pins.
  [[nodiscard]] std::string text() const;
  // "", or "#pin=...".
  [[nodiscard]] std::string pin_fragment() const;
};

// Whether it begins as a URL that can be asked does.
[[nodiscard]] bool has_http_scheme(std::string_view text);

// The URL that `reference` (a Location header) names, seen from `base`: absolute ("http://h/p"), or
// from the root of the same host ("/p?q"), or relative to the path's folder ("p").
[[nodiscard]] Result<Url> resolve_url(const Url& base, std::string_view reference);

// %XX for every byte but letters, digits and "-._~" (RFC 3986, 2.3).
void append_percent_encoded(std::string& out, std::span<const uint8_t> bytes);
[[nodiscard]] std::string percent_encode(std::string_view text);

// Any bytes may come out. '+' stays '+'. Errors: '%' without two hexadecimal digits behind it.
[[nodiscard]] Result<std::string> percent_decode(std::string_view text);

}  // namespace murder::codec
