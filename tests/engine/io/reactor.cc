#include "engine/io/reactor.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <memory>
#include <string>
#include <vector>

#include "engine/base/types.h"
#include "support.h"

using namespace murder;
using namespace murder::io;

namespace {

// Sends back what it gets until the stream ends; then frees itself.
class EchoConnection {
 public:
  EchoConnection(Reactor& reactor, int fd, int& live) : reactor_(reactor), fd_(fd), live_(live) {
    ++live_;
    reactor_.recv(recv_, fd_, buffer_);
  }
  ~EchoConnection() {
    reactor_.close_fd(fd_);
    --live_;
  }

 private:
  void received(Operation&, int32_t result, uint32_t) {
    if (result <= 0) {
      delete this;
      return;
    }
    reactor_.send(send_, fd_, std::span(buffer_).first(static_cast<size_t>(result)), MSG_WAITALL);
  }
  void sent(Operation&, int32_t result, uint32_t) {
    if (result <= 0) {
      delete this;
      return;
    }
    reactor_.recv(recv_, fd_, buffer_);
  }

  Reactor& reactor_;
  int fd_;
  int& live_;
  std::array<uint8_t, 512> buffer_{};
  Operation recv_{callback<&EchoConnection::received>(this)};
  Operation send_{callback<&EchoConnection::sent>(this)};
};

class EchoServer {
 public:
  explicit EchoServer(Reactor& reactor) : reactor_(reactor) {
    Result<Fd> fd = listen_tcp(loopback(), {});
    REQUIRE(fd);
    listener_ = std::move(*fd);
    reactor_.accept_multishot(accept_, listener_.get());
  }
  ~EchoServer() {
    reactor_.cancel(accept_);
    REQUIRE(reactor_.run_until([this] { return !accept_.in_flight() && live == 0; }, patience));
  }
  [[nodiscard]] Endpoint endpoint() const { return *local_endpoint(listener_.get()); }
  int live = 0;

 private:
  void accepted(Operation&, int32_t result, uint32_t) {
    if (result >= 0) {
      new EchoConnection(reactor_, result, live);  // frees itself
    }
  }
  Reactor& reactor_;
  Fd listener_;
  Operation accept_{callback<&EchoServer::accepted>(this)};
};

}  // namespace

TEST_CASE("many clients get their bytes back over loopback, and no descriptor is left behind") {
  const uint32_t descriptors_before = open_descriptor_count();
  {
    const auto reactor = make_reactor();
    EchoServer server(*reactor);
    const SocketAddress address = SocketAddress::from(server.endpoint());
    for (int count = 0; count < 50; ++count) {
      Result<Fd> fd = open_tcp(server.endpoint(), std::nullopt);
      REQUIRE(fd);
      Recorder connected;
      reactor->connect(connected.operation, fd->get(), &address.storage, address.size_bytes);
      REQUIRE(wait_for(*reactor, connected) == 0);
      const std::string text = "hello " + std::to_string(count);
      Recorder sent;
      reactor->send(sent.operation, fd->get(), as_bytes_of(text));
      REQUIRE(wait_for(*reactor, sent) == static_cast<int32_t>(text.size()));
      std::array<uint8_t, 64> buffer{};
      Recorder received;
      reactor->recv(received.operation, fd->get(), buffer);
      const int32_t size = wait_for(*reactor, received);
      CHECK(as_text_of(std::span(buffer).first(static_cast<size_t>(size))) == text);
    }
  }
  CHECK(open_descriptor_count() == descriptors_before);
}

TEST_CASE("connecting to a closed port completes with ECONNREFUSED") {
  const auto reactor = make_reactor();
  Endpoint endpoint;
  {
    Result<Fd> listener = listen_tcp(loopback(), {});
    REQUIRE(listener);
    endpoint = *local_endpoint(listener->get());
  }
  Result<Fd> fd = open_tcp(endpoint, std::nullopt);
  REQUIRE(fd);
  const SocketAddress address = SocketAddress::from(endpoint);
  Recorder connected;
  reactor->connect(connected.operation, fd->get(), &address.storage, address.size_bytes);
  CHECK(wait_for(*reactor, connected) == -ECONNREFUSED);
}

TEST_CASE("a file is written and read back") {
  const auto reactor = make_reactor();
  const Fd fd(memfd_create("murder-test", MFD_CLOEXEC));
  REQUIRE(fd.is_open());
  Recorder recorder;
  reactor->write(recorder.operation, fd.get(), as_bytes_of("piece"), 4096);
  REQUIRE(wait_for(*reactor, recorder) == 5);
  std::array<uint8_t, 5> buffer{};
  reactor->read(recorder.operation, fd.get(), buffer, 4096);
  REQUIRE(wait_for(*reactor, recorder) == 5);
  CHECK(as_text_of(buffer) == "piece");
}

TEST_CASE("a cancelled operation completes with ECANCELED, and only then is out of flight") {
  const auto reactor = make_reactor();
  const SocketPair pair = make_pair();
  std::array<uint8_t, 8> buffer{};
  Recorder received;
  reactor->recv(received.operation, pair.first.get(), buffer);
  reactor->run_turn(Duration::zero());
  CHECK(received.operation.in_flight());
  reactor->cancel(received.operation);
  CHECK(received.operation.in_flight());
  CHECK(wait_for(*reactor, received) == -ECANCELED);
}

TEST_CASE(
    "cancelling before the operation reached the kernel works too, and what is not in flight "
    "is left alone") {
  const auto reactor = make_reactor();
  const SocketPair pair = make_pair();
  Recorder polled;
  reactor->cancel(polled.operation);
  reactor->poll(polled.operation, pair.first.get(), POLLIN);
  reactor->cancel(polled.operation);
  CHECK(wait_for(*reactor, polled) == -ECANCELED);
  CHECK(polled.completions.size() == 1);
}

TEST_CASE("what is cancelled and waited for may be destroyed, submitted or not, and none waits") {
  const auto reactor = make_reactor();
  const SocketPair pair = make_pair();
  for (const bool submitted : {false, true}) {
    Recorder polled;
    reactor->cancel_and_wait(polled.operation);
    CHECK(polled.completions.empty());
    reactor->poll(polled.operation, pair.first.get(), POLLIN);
    if (submitted) {
      reactor->run_turn(Duration::zero());
    }
    reactor->cancel_and_wait(polled.operation);
    CHECK_FALSE(polled.operation.in_flight());
    CHECK(polled.completions.size() == 1);
  }
}

TEST_CASE("poll completes with the events that are there") {
  const auto reactor = make_reactor();
  const SocketPair pair = make_pair();
  Recorder polled;
  reactor->poll(polled.operation, pair.first.get(), POLLIN);
  REQUIRE(write(pair.second.get(), "x", 1) == 1);
  CHECK((static_cast<uint32_t>(wait_for(*reactor, polled)) & POLLIN) != 0);
}

TEST_CASE("timers fire while the reactor waits for the kernel, in order and not early") {
  const auto reactor = make_reactor();
  struct Clock {
    Reactor& reactor;
    std::vector<int> fired;
    Instant second_at{};
    void first(Timer&) { fired.push_back(1); }
    void second(Timer&) {
      fired.push_back(2);
      second_at = reactor.now();
      reactor.stop();
    }
  } clock{.reactor = *reactor};
  Timer second(reactor->timers(), callback<&Clock::second>(&clock));
  Timer first(reactor->timers(), callback<&Clock::first>(&clock));
  const Instant due = reactor->now() + std::chrono::milliseconds(20);
  second.arm(due);
  first.arm(due - std::chrono::milliseconds(15));
  reactor->run();
  CHECK(clock.fired == std::vector<int>{1, 2});
  CHECK(clock.second_at >= due);
}

TEST_CASE("a hook runs at the end of each turn, after the completions of the turn") {
  const auto reactor = make_reactor();
  const SocketPair pair = make_pair();
  Recorder polled;
  struct Batch {
    Recorder& recorder;
    std::vector<size_t> seen;
    void flush(TurnHook&) { seen.push_back(recorder.completions.size()); }
  } batch{.recorder = polled};
  TurnHook hook(callback<&Batch::flush>(&batch));
  reactor->add_turn_hook(hook);
  reactor->run_turn(Duration::zero());
  reactor->poll(polled.operation, pair.first.get(), POLLOUT);
  wait_for(*reactor, polled);
  CHECK(batch.seen.front() == 0);
  CHECK(batch.seen.back() == 1);
  CHECK(batch.seen.size() == reactor->counters().turns);
}

TEST_CASE("stop before run ends it after no turn, and run can be called again") {
  const auto reactor = make_reactor();
  reactor->stop();
  reactor->run();
  CHECK(reactor->counters().turns == 0);
  CHECK_FALSE(reactor->stopping());
}
