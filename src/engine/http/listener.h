// One listening socket of the HTTP server. For the sources of this layer.
#pragma once

#include <sys/socket.h>

#include <cstdint>

#include "engine/base/endpoint.h"
#include "engine/io/operation.h"
#include "engine/io/reactor.h"
#include "engine/io/timers.h"

namespace murder::http {

class ListenerOwner {
 public:
  [[nodiscard]] virtual bool has_room() const = 0;
  // Asks for room: room_came() follows when there is some.
  virtual void want_room() = 0;
  virtual void adopt(int fd, const Endpoint& remote, bool is_local_socket) = 0;
  // Descriptors or memory ran out.
  virtual void accept_failed() = 0;

 protected:
  ~ListenerOwner() = default;
};

// Belongs to its server. States:
//
//   accepting    an accept is in flight  -> accepting, full or resting
//   full         no room; a poll is in flight that tells when a client wants in
//                                        -> accepting or waiting
//   waiting      a client wants in, the server makes room -> accepting
//   resting      descriptors or memory ran out; a timer is armed -> accepting or full
//   stopped      nothing is started any more
class Listener {
 public:
  // Takes over the descriptor.
  Listener(io::Reactor& reactor, ListenerOwner& owner, int fd);
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  void room_came();
  void stop();
  // Stopped, and nothing in flight.
  [[nodiscard]] bool is_quiet() const;

 private:
  enum class State : uint8_t { accepting, full, waiting, resting, stopped };

  void accept_next();
  void accepted(io::Operation& operation, int32_t result, uint32_t cqe_flags);
  void client_wants_in(io::Operation& operation, int32_t result, uint32_t cqe_flags);
  void rested(io::Timer& timer);

  io::Reactor& reactor_;
  ListenerOwner& owner_;
  int fd_;
  State state_ = State::accepting;
  sockaddr_storage address_{};
  socklen_t address_bytes_ = 0;
  io::Operation accept_;
  io::Operation poll_;
  io::Timer rest_;
};

}  // namespace murder::http
