// What the tests of this layer share.
#pragma once

#include <dirent.h>
#include <doctest/doctest.h>
#include <sys/socket.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <vector>

#include "engine/io/operation.h"
#include "engine/io/reactor.h"
#include "engine/io/sockets.h"

namespace murder::io {

inline constexpr Duration patience = std::chrono::seconds(20);

inline std::unique_ptr<Reactor> make_reactor(const ReactorOptions& options = {}) {
  Result<std::unique_ptr<Reactor>> reactor = Reactor::create(options);
  REQUIRE(reactor);
  return std::move(*reactor);
}

// An operation and what it completed with.
struct Recorder {
  struct Completion {
    int32_t result = 0;
    uint32_t flags = 0;
  };
  Operation operation{callback<&Recorder::done>(this)};
  std::vector<Completion> completions;

  void done(Operation&, int32_t result, uint32_t flags) { completions.push_back({result, flags}); }
  [[nodiscard]] bool is_done() const { return !completions.empty() && !operation.in_flight(); }
  [[nodiscard]] int32_t result() const { return completions.back().result; }
};

inline int32_t wait_for(Reactor& reactor, const Recorder& recorder) {
  REQUIRE(reactor.run_until([&] { return recorder.is_done(); }, patience));
  return recorder.result();
}

struct SocketPair {
  Fd first;
  Fd second;
};

inline SocketPair make_pair() {
  int fds[2] = {-1, -1};
  REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0);
  return {Fd(fds[0]), Fd(fds[1])};
}

inline Endpoint loopback(uint16_t port = 0) {
  return {*IpAddress::parse("127.0.0.1"), port};
}

inline uint32_t open_descriptor_count() {
  DIR* directory = opendir("/proc/self/fd");
  REQUIRE(directory != nullptr);
  uint32_t count = 0;
  while (readdir(directory) != nullptr) {
    ++count;
  }
  closedir(directory);
  return count;
}

}  // namespace murder::io
