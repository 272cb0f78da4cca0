#include "engine/codec/server_place.h"

#include <fmt/format.h>

#include <optional>
#include <utility>

#include "engine/codec/url.h"

namespace murder::codec {

Result<ServerPlace> ServerPlace::parse(std::string_view text, uint16_t port_default) {
  ServerPlace place;
  if (text.find("://") == std::string_view::npos) {
    const std::optional<HostPort> parsed = HostPort::parse(text, port_default);
    if (!parsed || parsed->port == 0 || parsed->host.empty() ||
        parsed->host.find_first_of("/?#@ \t") != std::string::npos) {
      return fail(ErrorCode::invalid_input, "write HOST:PORT, or https://HOST:PORT");
    }
    static_cast<HostPort&>(place) = *parsed;
    return place;
  }
  const Result<Url> url = Url::parse(text);
  if (!url || !url->is_https) {
    return fail(ErrorCode::invalid_input,
                url ? "write HOST:PORT for http, https://HOST:PORT for https" : url.error().text);
  }
  if (url->path != "/" || !url->query.empty() || url->port == 0 || url->host.empty()) {
    return fail(ErrorCode::invalid_input, "write https://HOST:PORT, without a path behind it");
  }
  place.host = url->host;
  place.port = url->port;
  place.is_https = true;
  place.pins = url->pins;
  return place;
}

std::string ServerPlace::url(std::string_view target) const {
  return fmt::format("{}://{}{}{}{}", is_https ? "https" : "http", text(), target,
                     pins.empty() ? "" : "#pin=", pins);
}

std::string ServerPlace::word() const {
  return is_https ? url("") : text();
}

}  // namespace murder::codec
