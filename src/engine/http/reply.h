// What an HTTP client asks and gets; shared by the client on the reactor and the blocking one.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "engine/base/endpoint.h"
#include "engine/base/instant.h"

namespace murder::http {

struct Reply {
  int status = 0;
  std::string body;
  std::string content_type;
  Endpoint local_address;  // ours, as the connection left from; unspecified for a unix socket
  std::string final_url;   // differs from what was asked after redirects
};

struct RequestOptions {
  std::string method = "GET";  // or POST
  std::string body = {};
  Duration timeout = std::chrono::seconds(30);  // for all of it: names, redirects, body
  uint64_t body_bytes_max = 1024 * 1024;
  bool follows_redirects = true;  // else the reply is what redirects
  // The connection leaves from this address.
  std::optional<IpAddress> bind_address = std::nullopt;
  // Of an https:// URL without pins of its own: whose keys the server may have, in place of a
  // certificate that an authority of this host vouches for (tls/server_trust.h).
  std::string pins = {};
  // Connects to this socket instead of the URL's host, and follows no redirect.
  std::string unix_socket_path = {};
};

inline constexpr uint32_t redirects_max = 5;

}  // namespace murder::http
