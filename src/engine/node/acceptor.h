// Takes the connections that come in on a shard's listening socket.
//
// Lives on the shard's thread. One multishot accept is under way; when the kernel ends it, it is
// started again, after a pause when that was an error (no descriptor is left). Ends: stop(); once
// is_idle(), or else by waiting, the destructor.
#pragma once

#include "engine/base/callback.h"
#include "engine/base/endpoint.h"
#include "engine/io/reactor.h"
#include "engine/io/sockets.h"

namespace murder::node {

class Acceptor {
 public:
  // void accepted(io::Fd socket, const Endpoint& remote)
  using Target = Callback<void(io::Fd, const Endpoint&)>;

  Acceptor(io::Reactor& reactor, io::Fd listener, Target target);
  Acceptor(const Acceptor&) = delete;
  Acceptor& operator=(const Acceptor&) = delete;
  ~Acceptor();

  void start();
  // No connection is handed out any more.
  void stop();
  [[nodiscard]] bool is_idle() const { return !accept_.in_flight(); }

 private:
  void accept_done(io::Operation& operation, int32_t result, uint32_t cqe_flags);
  void start_again(io::Timer& timer);

  io::Reactor& reactor_;
  io::Fd listener_;
  Target target_;
  io::Operation accept_;
  io::Timer pause_timer_;
  bool is_stopped_ = false;
};

}  // namespace murder::node
