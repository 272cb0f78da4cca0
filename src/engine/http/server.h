// A small HTTP/1.1 server on a reactor: for the tracker and for control sockets.
#pragma once

#include <cstdint>
#include <memory>

#include "engine/base/result.h"
#include "engine/http/handler.h"
#include "engine/http/server_options.h"
#include "engine/io/reactor.h"

namespace murder::http {

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
  // Connections of TCP that begin from now on, or have not said anything, are encrypted. For good:
  // it may be another certificate, but not none.
  void use_certificate(tls::ServerContext certificate);
  // The answer to a request that was answered with `later`. Ignored when its client has gone. Not
  // within Handler::handle().
  void answer(uint64_t ticket, const Response& response);
  // Whether a client still waits for that answer. A system call. Not within Handler::handle().
  [[nodiscard]] bool awaits(uint64_t ticket) const;
  // A connection that a handler took over has ended.
  void give_place_back();
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
