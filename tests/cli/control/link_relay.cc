#include "cli/control/link_relay.h"

#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <optional>
#include <span>
#include <string>
#include <thread>

#include "engine/base/fd.h"
#include "engine/base/types.h"
#include "engine/control/frame.h"
#include "engine/control/relay_messages.h"

using namespace murder;
using namespace murder::cli;

namespace {

constexpr uint64_t frame_bytes_max = 64 * 1024;

// A port that is this test's, and that nobody listens on yet.
class Place {
 public:
  Place() : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    address_.sin_family = AF_INET;
    address_.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address_;
    REQUIRE(bind(socket_.get(), reinterpret_cast<sockaddr*>(&address_), size) == 0);
    REQUIRE(getsockname(socket_.get(), reinterpret_cast<sockaddr*>(&address_), &size) == 0);
  }
  void open() const { REQUIRE(listen(socket_.get(), 8) == 0); }
  [[nodiscard]] Fd accept_one() const { return Fd(accept(socket_.get(), nullptr, nullptr)); }
  [[nodiscard]] HostPort host_port() const {
    return {.host = "127.0.0.1", .port = ntohs(address_.sin_port)};
  }

 private:
  Fd socket_;
  sockaddr_in address_{};
};

// The agent's end of a relay that runs on a thread.
class AgentEnd {
 public:
  AgentEnd(const HostPort& coordinator, Duration first_max) : frames_(frame_bytes_max) {
    std::signal(SIGPIPE, SIG_IGN);  // as in main
    int pair[2] = {-1, -1};
    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
    own_ = Fd(pair[0]);
    thread_ = std::thread([this, coordinator, first_max, other = Fd(pair[1])] {
      status_ = relay_link({.coordinator = coordinator,
                            .input = other.get(),
                            .output = other.get(),
                            .first_max = first_max});
    });
  }
  ~AgentEnd() {
    if (thread_.joinable()) {
      own_.reset();
      thread_.join();
    }
  }

  void ask() const {
    std::string frame;
    control::append_frame(frame, control::text_of(control::RelayLink{.target = "/control/agent"}));
    REQUIRE(write(own_.get(), frame.data(), frame.size()) == static_cast<ssize_t>(frame.size()));
  }
  // The next message to the agent; none: the end.
  std::optional<std::string> next() {
    std::string text;
    while (true) {
      const Result<bool> next = frames_.next(text);
      REQUIRE(next);
      if (*next) {
        return text;
      }
      std::array<char, 4096> part{};
      const ssize_t size = read(own_.get(), part.data(), part.size());
      if (size <= 0) {
        return std::nullopt;
      }
      frames_.put(std::as_bytes(std::span(part).first(static_cast<size_t>(size))));
    }
  }
  bool is_unlinked() {
    const std::optional<std::string> text = next();
    return text && control::parse_relay_unlinked(*text)->has_value();
  }
  Status end() {
    own_.reset();
    thread_.join();
    return status_;
  }
  Status wait() {
    thread_.join();
    return status_;
  }

 private:
  Fd own_;
  control::FrameReader frames_;
  Status status_;
  std::thread thread_;
};

}  // namespace

TEST_CASE("a coordinator that is not reached at first is an error") {
  const Place place;
  AgentEnd agent(place.host_port(), Duration::zero());
  agent.ask();
  CHECK(agent.is_unlinked());
  const Status ended = agent.wait();
  REQUIRE_FALSE(ended);
  CHECK(ended.error().text.find("cannot connect") != std::string::npos);
}

TEST_CASE("a coordinator that is being started again is tried until it is there") {
  const Place place;
  AgentEnd agent(place.host_port(), std::chrono::minutes(10));
  for (int count = 0; count < 2; ++count) {
    agent.ask();
    REQUIRE(agent.is_unlinked());
  }
  place.open();
  agent.ask();
  const Fd link = place.accept_one();
  REQUIRE(link.is_open());
  std::string answer =
      "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: murder-agent/1\r\n\r\n";
  control::append_frame(answer, "hello");
  REQUIRE(write(link.get(), answer.data(), answer.size()) == static_cast<ssize_t>(answer.size()));
  CHECK(agent.next() == "hello");
  CHECK(agent.end());
}
