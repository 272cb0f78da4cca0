// Keeps the control socket of a process reachable for as long as the process lives: somebody may
// remove its name (a session's end, tmpfiles, rm), and the process would be invisible and could not
// be stopped. One look every few seconds; a lost socket is made again.
//
// Lives on the thread of the reactor.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "engine/base/callback.h"
#include "engine/host/run_directory.h"
#include "engine/io/reactor.h"
#include "engine/io/timers.h"

namespace murder::host {

class ControlKeeper {
 public:
  // Given the listening socket that takes the place of the one before.
  using Renewal = Callback<void(int)>;

  // The first socket is for the caller: release_fd().
  ControlKeeper(io::Reactor& reactor, std::string run_directory_option, ControlSocket socket,
                Renewal renewal);
  [[nodiscard]] static Result<std::unique_ptr<ControlKeeper>> create(
      io::Reactor& reactor, std::string run_directory_option, Renewal renewal);
  ControlKeeper(const ControlKeeper&) = delete;
  ControlKeeper& operator=(const ControlKeeper&) = delete;

  [[nodiscard]] int release_fd() { return socket_->release_fd(); }

 private:
  void look(io::Timer& timer);

  io::Reactor& reactor_;
  const std::string run_directory_option_;
  const Renewal renewal_;
  std::optional<ControlSocket> socket_;
  io::Timer timer_;
};

}  // namespace murder::host
