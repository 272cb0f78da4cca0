// What an HTTP server asks its owner, and what it is answered.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/endpoint.h"
#include "engine/base/fd.h"
#include "engine/base/instant.h"
#include "engine/http/shared_body.h"
#include "engine/tls/server_stream.h"

namespace murder::http {

// Views hold during Handler::handle() only.
struct Request {
  std::string_view method;  // GET, HEAD, POST or PUT; others are answered with 405
  std::string_view path;    // raw, without query
  std::string_view query;   // raw, after the '?'
  std::span<const uint8_t> body;
  Endpoint remote;  // unspecified for a local socket
  Endpoint local;   // where the client reached this host; likewise
  // Of the header, raw; empty: there is none.
  std::string_view authorization = {};
  std::string_view upgrade = {};  // the protocol that the client wants to speak from now on
  std::string_view origin = {};   // of the page that has a browser send this
  bool is_local_socket = false;
  bool has_waited = false;  // it was answered with `wait` before
  uint64_t ticket = 0;      // for Server::answer()
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
  // Not answered yet either: Server::answer() is called with the request's ticket, after handle()
  // returned and within ServerOptions::answer_timeout. Nothing else of this response counts.
  bool later = false;
  // The connection is the handler's from now on: take_over() is called next, nothing is sent.
  // Nothing else of this response counts.
  bool takes_over = false;
};

// What a handler says of a body that is larger than its server takes of others.
struct LargeBody {
  uint64_t bytes_max = 0;
  std::optional<Response> refusal;  // answered at once; the connection ends after it
};

// A connection that a handler takes over from its server.
struct TakenSocket {
  Fd fd;
  std::unique_ptr<tls::ServerStream> secure = {};  // of an encrypted one, with what waits in it
};

class Handler {
 public:
  virtual ~Handler() = default;
  // Answers at once, on the reactor's thread. For HEAD, as for GET: the body is left out.
  virtual Response handle(const Request& request, Instant now) = 0;
  // Asked with the head of a request (of any method) whose body exceeds
  // ServerOptions::body_bytes_max, before it is read. By default none may.
  virtual LargeBody admit_large_body(const Request& /*head*/) { return {}; }
  // After handle() said so: the socket, with all that came behind the request. The place that the
  // connection had among ServerOptions::connections_max stays taken until it is given back
  // (Server::give_place_back).
  virtual void take_over(TakenSocket /*socket*/, const Request& /*request*/,
                         std::span<const uint8_t> /*early*/) {}
};

}  // namespace murder::http
