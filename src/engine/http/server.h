// A small HTTP/1.1 server on a reactor: for the tracker and for control sockets.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/endpoint.h"
#include "engine/base/instant.h"
#include "engine/base/result.h"
#include "engine/http/bounds.h"
#include "engine/http/shared_body.h"
#include "engine/io/reactor.h"

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

struct ServerOptions {
  uint32_t connections_max = 1024;  // two operations of the reactor each
  uint32_t body_bytes_max = 64 * 1024;
  uint64_t held_bytes_max = limits::http_held_bytes_max;
  Duration idle_timeout = std::chrono::seconds(60);
  Duration request_timeout = std::chrono::seconds(10);  // from its first byte to its last
  Duration send_timeout = std::chrono::seconds(10);     // a client that does not read is dropped
  uint16_t buffer_group = 0;                            // unique among the servers of one reactor
};

struct ServerCounters {
  uint64_t connections = 0;  // accepted since the start
  uint64_t requests = 0;     // answered, well-formed or not
  uint64_t bad_requests = 0;
  uint64_t timeouts = 0;
  uint64_t evictions = 0;  // connections closed to make room
  uint64_t crowded = 0;    // connections closed, and requests refused, since too much was held
  uint64_t accept_failures = 0;
};

// Lives on the thread of its reactor, which must outlive it; the handler must outlive it too.
// Connections are bounded by connections_max: when all are taken, one makes room for a new one that
// has been at one request for a while (it sends slowly, or does not read), or is idle: the longest
// of those whose address has the most connections. When there is none, new ones wait a moment in
// the kernel's backlog. Requests of one connection are answered in order; input is not read while
// an answer waits to be sent. An idle connection holds no buffer. What all others hold of requests
// and answers is bounded by held_bytes_max: at half of it the connections that hold something
// longest are closed and large answers become 503, at all of it any. Ends with stop(); the
// destructor stops and turns the reactor until nothing is in flight, so it must not run within a
// handler.
class Server {
 public:
  [[nodiscard]] static Result<std::unique_ptr<Server>> create(io::Reactor& reactor,
                                                              Handler& handler,
                                                              const ServerOptions& options);
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  ~Server();

  // Takes over a listening socket, TCP or unix. Several may be served.
  void serve(int listening_fd);
  // The same in place of all that were served before, which are closed; connections stay.
  void serve_instead(int listening_fd);
  // Closes the listeners and all connections. An answer that is being sent is cut, but that of a
  // handler which calls this still goes out.
  void stop();
  // True when stop() was called and nothing is in flight any more.
  [[nodiscard]] bool stopped() const;

  [[nodiscard]] uint32_t connection_count() const;
  [[nodiscard]] const ServerCounters& counters() const;

 private:
  class Core;
  explicit Server(std::unique_ptr<Core> core);
  std::unique_ptr<Core> core_;
};

}  // namespace murder::http
