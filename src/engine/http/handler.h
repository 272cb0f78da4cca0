// What an HTTP server asks its owner, and what it is answered.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/endpoint.h"
#include "engine/base/instant.h"
#include "engine/http/shared_body.h"

namespace murder::http {

// Views hold during Handler::handle() only.
struct Request {
  std::string_view method;  // GET, HEAD or POST; others are answered with 405
  std::string_view path;    // raw, without query
  std::string_view query;   // raw, after the '?'
  std::span<const uint8_t> body;
  Endpoint remote;                      // unspecified for a local socket
  Endpoint local;                       // where the client reached this host; likewise
  std::string_view authorization = {};  // of the header, raw; empty: there is none
  bool is_local_socket = false;
  bool has_waited = false;  // it was answered with `wait` before
};

struct Response {
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body;
  SharedBody shared_body = {};  // when set, sent instead of `body`
  struct Field {
    std::string name;
    std::string value;
  };
  std::vector<Field> fields = {};  // further header fields, at most 8; one line each
  bool close = false;              // close the connection after this response
  // Not answered yet: the request is kept and handled once more after this time.
  Duration wait{};
};

class Handler {
 public:
  virtual ~Handler() = default;
  // Answers at once, on the reactor's thread. For HEAD, as for GET: the body is left out.
  virtual Response handle(const Request& request, Instant now) = 0;
};

}  // namespace murder::http
