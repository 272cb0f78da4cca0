// The messages between a peer that gave up root and the helper that kept it: packets of JSON, one
// of which may carry a descriptor.
#pragma once

#include "engine/base/json.h"
#include "engine/base/result.h"
#include "engine/io/sockets.h"

namespace murder::host {

class HelperLink {
 public:
  // One end of a SOCK_SEQPACKET pair.
  explicit HelperLink(io::Fd socket) : socket_(std::move(socket)) {}

  struct Received {
    Json message;
    io::Fd fd;  // closed when none came with it
  };

  [[nodiscard]] int fd() const { return socket_.get(); }
  // Both block. Error (conflict): the other end is gone, or sent what is not a message.
  [[nodiscard]] Status send(const Json& message, int passed_fd = -1);
  [[nodiscard]] Result<Received> receive();
  void close() { socket_.reset(); }

 private:
  io::Fd socket_;
};

// An error as a message carries it.
[[nodiscard]] Json json_of_failure(const Error& error);
[[nodiscard]] Error failure_of_json(const Json& json);

}  // namespace murder::host
