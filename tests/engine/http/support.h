// What the tests of this layer share: a server under test, and a raw client for it.
#pragma once

#include <doctest/doctest.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/http/server.h"
#include "engine/io/reactor.h"
#include "engine/io/sockets.h"

namespace murder::http {

inline constexpr Duration patience = std::chrono::seconds(20);

inline std::unique_ptr<io::Reactor> make_reactor() {
  auto reactor = io::Reactor::create({.operations_max = 4096});
  REQUIRE(reactor);
  return std::move(*reactor);
}

// A connected blocking socket whose other end is served by the same thread's reactor: it reads what
// has come, and turns the reactor while it waits.
class RawClient {
 public:
  RawClient(io::Reactor& reactor, const Endpoint& server, const char* from = nullptr)
      : reactor_(reactor) {
    const auto source = from == nullptr
                            ? std::optional<Endpoint>()
                            : std::optional<Endpoint>({IpAddress::parse(from).value(), 0});
    Result<io::Fd> fd = io::open_tcp(server, source);
    REQUIRE(fd);
    connect_to(std::move(*fd), io::SocketAddress::from(server));
  }
  RawClient(io::Reactor& reactor, const std::string& path) : reactor_(reactor) {
    Result<io::Fd> fd = io::open_unix();
    REQUIRE(fd);
    connect_to(std::move(*fd), *io::SocketAddress::from_unix_path(path));
  }

  void send(std::string_view text) {
    REQUIRE(::send(fd_.get(), text.data(), text.size(), MSG_NOSIGNAL) ==
            static_cast<ssize_t>(text.size()));
  }
  void turn() { reactor_.run_turn(std::chrono::milliseconds(2)); }
  void shut_down_writing() { ::shutdown(fd_.get(), SHUT_WR); }
  [[nodiscard]] int fd() const { return fd_.get(); }

  // What the server sends until `text` is in it.
  std::string read_until(std::string_view text) {
    std::string got;
    REQUIRE(reactor_.run_until(
        [&] {
          take(got);
          reactor_.skip_wait();
          return got.find(text) != std::string::npos;
        },
        patience));
    return got;
  }
  // What the server sends until it closes.
  std::string read_to_end() {
    std::string got;
    REQUIRE(reactor_.run_until(
        [&] {
          take(got);
          reactor_.skip_wait();
          return ended_;
        },
        patience));
    return got;
  }
  // Whether the server has closed by now.
  [[nodiscard]] bool ended() {
    std::string got;
    take(got);
    return ended_;
  }

 private:
  void connect_to(io::Fd fd, const io::SocketAddress& address) {
    REQUIRE(::connect(fd.get(), address.get(), address.size_bytes) == 0);
    fd_ = std::move(fd);
  }
  void take(std::string& got) {
    std::array<char, 65536> buffer;
    while (!ended_) {
      const ssize_t size = recv(fd_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
      if (size < 0 && errno == EAGAIN) {
        return;
      }
      if (size <= 0) {
        ended_ = true;
        return;
      }
      got.append(buffer.data(), static_cast<size_t>(size));
    }
  }

  io::Reactor& reactor_;
  io::Fd fd_;
  bool ended_ = false;
};

// Answers with what it was asked, and remembers it.
class EchoHandler : public Handler {
 public:
  Response handle(const Request& request, Instant) override {
    ++requests;
    remote = request.remote;
    local = request.local;
    is_local_socket = request.is_local_socket;
    if (request.path == "/large") {
      return {.body = std::string(64 * 1024 * 1024, 'x')};
    }
    if (request.path == "/medium") {
      return {.body = std::string(40 * 1024, 'm') + "|"};
    }
    if (request.path == "/shared") {
      return {.body = {}, .shared_body = shared};
    }
    if (request.path == "/later" && !request.has_waited) {
      return {.wait = later};
    }
    if (request.path == "/stop") {
      server->stop();
      return {.body = "stopping"};
    }
    return {.body = std::string(request.method) + " " + std::string(request.path) + " " +
                    std::string(request.query) + " " +
                    std::string(reinterpret_cast<const char*>(request.body.data()),
                                request.body.size()) +
                    "|"};
  }
  Server* server = nullptr;
  SharedBody shared{std::string(8 * 1024 * 1024, 's') + "|"};
  Duration later = std::chrono::milliseconds(1);
  int requests = 0;
  Endpoint remote;
  Endpoint local;
  bool is_local_socket = false;
};

struct ServerFixture {
  explicit ServerFixture(const ServerOptions& options = {}) {
    auto made = Server::create(*reactor, handler, options);
    REQUIRE(made);
    server = std::move(*made);
    handler.server = server.get();
    auto fd = io::listen_tcp({*IpAddress::parse("127.0.0.1"), 0}, {});
    REQUIRE(fd);
    endpoint = *io::local_endpoint(fd->get());
    server->serve(fd->release());
  }
  template <typename Done>
  void run_until(Done&& done) {
    REQUIRE(reactor->run_until(
        [&] {
          reactor->skip_wait();
          return done();
        },
        patience));
  }

  std::unique_ptr<io::Reactor> reactor = make_reactor();
  EchoHandler handler;
  std::unique_ptr<Server> server;
  Endpoint endpoint;
};

}  // namespace murder::http
