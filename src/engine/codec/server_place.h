// How a coordinator, which is a tracker, is named: "HOST[:PORT]", or "https://HOST[:PORT]" with
// "#pin=..." behind it, as URLs of trackers have it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "engine/base/endpoint.h"
#include "engine/base/result.h"

namespace murder::codec {

struct ServerPlace : HostPort {
  bool is_https = false;
  std::string pins = {};  // of an https one, as they are written; empty: authorities vouch for it

  // Without a scheme `port_default`, with one the scheme's. Errors (invalid_input).
  [[nodiscard]] static Result<ServerPlace> parse(std::string_view text, uint16_t port_default);

  // With the pins, which no server is told.
  [[nodiscard]] std::string url(std::string_view target) const;
  // As parse() takes it; for people it is text().
  [[nodiscard]] std::string word() const;

  bool operator==(const ServerPlace&) const = default;
};

}  // namespace murder::codec
