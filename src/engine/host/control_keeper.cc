#include "engine/host/control_keeper.h"

namespace murder::host {
namespace {

constexpr Duration look_interval = std::chrono::seconds(5);

}  // namespace

Result<std::unique_ptr<ControlKeeper>> ControlKeeper::create(io::Reactor& reactor,
                                                             std::string run_directory_option,
                                                             Renewal renewal) {
  Result<ControlSocket> socket = ControlSocket::create(run_directory_option);
  if (!socket) {
    return fail(socket.error());
  }
  return std::make_unique<ControlKeeper>(reactor, std::move(run_directory_option),
                                         std::move(*socket), renewal);
}

ControlKeeper::ControlKeeper(io::Reactor& reactor, std::string run_directory_option,
                             ControlSocket socket, Renewal renewal)
    : reactor_(reactor),
      run_directory_option_(std::move(run_directory_option)),
      renewal_(renewal),
      socket_(std::move(socket)),
      timer_(reactor.timers(), callback<&ControlKeeper::look>(this)) {
  timer_.arm(reactor_.now() + look_interval);
}

void ControlKeeper::look(io::Timer& timer) {
  if (!socket_ || socket_->is_lost()) {
    socket_.reset();  // first: it would remove the name of the next one
    Result<ControlSocket> socket = ControlSocket::create(run_directory_option_);
    if (socket) {
      socket_.emplace(std::move(*socket));
      renewal_(socket_->release_fd());
    }
  }
  timer.arm(reactor_.now() + look_interval);
}

}  // namespace murder::host
