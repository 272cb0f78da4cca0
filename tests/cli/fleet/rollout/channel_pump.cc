#include "cli/fleet/rollout/channel_pump.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <string>
#include <thread>

#include "cli/fleet/plan/host_result.h"

using namespace murder;
using namespace murder::fleet;
using namespace std::chrono_literals;

namespace {

struct Pair {
  io::Fd one;
  io::Fd other;
};

Pair socket_pair() {
  int fds[2];
  REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0);
  return {io::Fd(fds[0]), io::Fd(fds[1])};
}

StreamEnds ends_of(io::Fd fd) {
  io::Fd copy(fcntl(fd.get(), F_DUPFD_CLOEXEC, 0));
  return {.input = std::move(fd), .output = std::move(copy)};
}

void write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(fd, bytes.data(), bytes.size());
    REQUIRE(count > 0);
    bytes.remove_prefix(static_cast<size_t>(count));
  }
}

// As many bytes, or what comes before the end.
std::string read_bytes(int fd, size_t size) {
  std::string bytes;
  std::string part(64 * 1024, '\0');
  while (bytes.size() < size) {
    const ssize_t count = ::read(fd, part.data(), std::min(part.size(), size - bytes.size()));
    if (count <= 0) {
      break;
    }
    bytes.append(part.data(), static_cast<size_t>(count));
  }
  return bytes;
}

template <typename Done>
void wait_for(Done&& done) {
  const auto until = std::chrono::steady_clock::now() + 60s;
  while (!done()) {
    REQUIRE(std::chrono::steady_clock::now() < until);
    std::this_thread::sleep_for(1ms);
  }
}

// The operator's side, and that of the coordinator's host, whose local ends answer in capitals.
class PumpBench {
 public:
  explicit PumpBench(bool is_framed = false) {
    std::signal(SIGPIPE, SIG_IGN);  // as in main
    Pair connection = socket_pair();
    if (is_framed) {
      const std::string front = "a line of a shell\n" + std::string(frame_begin_mark) + "\n";
      write_all(connection.other.get(), front);
    }
    here =
        ChannelPump::create({.is_framed = is_framed}, ends_of(std::move(connection.one))).value();
    there = ChannelPump::create({.side = control::ChannelMux::Side::takes_channels,
                                 .take_opened = [this](uint32_t) { return answer(); }},
                                ends_of(std::move(connection.other)))
                .value();
    pumping.emplace_back([this] { here->run(); });
    pumping.emplace_back([this] { there->run(); });
  }
  ~PumpBench() {
    here->stop();
    there->stop();
    for (std::thread& each : pumping) {
      each.join();
    }
    for (std::thread& each : answering_) {
      each.join();
    }
  }

  // The test's end of a new channel.
  io::Fd open(uint32_t channel, std::string first = {}) {
    Pair local = socket_pair();
    here->open(channel, ends_of(std::move(local.one)), std::move(first));
    return std::move(local.other);
  }

  std::vector<ChannelPump::Ended> wait_for_ended(size_t count) {
    std::vector<ChannelPump::Ended> all;
    wait_for([&] {
      for (ChannelPump::Ended& each : here->take_ended()) {
        all.push_back(std::move(each));
      }
      return all.size() >= count;
    });
    return all;
  }

  std::unique_ptr<ChannelPump> here;
  std::unique_ptr<ChannelPump> there;
  std::vector<std::thread> pumping;

 private:
  Result<StreamEnds> answer() {
    Pair local = socket_pair();
    answering_.emplace_back([end = std::move(local.other)] {
      std::string part(1000, '\0');
      while (true) {
        const ssize_t count = ::read(end.get(), part.data(), part.size());
        if (count <= 0) {
          return;
        }
        std::string said = part.substr(0, static_cast<size_t>(count));
        for (char& each : said) {
          each = each == 'a' ? 'A' : each;
        }
        for (std::string_view rest = said; !rest.empty();) {
          const ssize_t written = ::write(end.get(), rest.data(), rest.size());
          if (written <= 0) {
            return;
          }
          rest.remove_prefix(static_cast<size_t>(written));
        }
      }
    });
    return ends_of(std::move(local.one));
  }

  std::vector<std::thread> answering_;  // the pump's over there, until it has ended
};

}  // namespace

TEST_CASE("what a local end is given first comes before what the other side sends") {
  PumpBench bench;
  const io::Fd end = bench.open(1, "configuration ");
  write_all(end.get(), "a");
  CHECK(read_bytes(end.get(), 15) == "configuration A");
}

TEST_CASE("megabytes pass through a slow end, and another one does not wait for it") {
  PumpBench bench;
  const io::Fd slow = bench.open(1);
  const io::Fd quick = bench.open(2);
  const std::string bytes(4 * 1024 * 1024, 'a');
  std::thread writing([&] { write_all(slow.get(), bytes); });
  write_all(quick.get(), "aha");
  CHECK(read_bytes(quick.get(), 3) == "AhA");
  CHECK(read_bytes(slow.get(), bytes.size()) == std::string(bytes.size(), 'A'));
  writing.join();
}

TEST_CASE("an end is told on, and why") {
  PumpBench bench;
  io::Fd end = bench.open(1);
  io::Fd other = bench.open(2);
  write_all(end.get(), "a");
  CHECK(read_bytes(end.get(), 1) == "A");
  end.reset();
  std::vector<ChannelPump::Ended> ended = bench.wait_for_ended(1);
  CHECK(ended.front().channel == 1);
  CHECK(ended.front().why.empty());
  // The connection: all end with it.
  bench.here->end_connection("the relay has ended");
  ended = bench.wait_for_ended(1);
  CHECK(ended.front().channel == 2);
  CHECK(ended.front().why == "the relay has ended");
  CHECK(read_bytes(other.get(), 1).empty());
}

TEST_CASE("a session that has ended is at its end, whoever else has its pipe") {
  PumpBench bench;
  const io::Fd end = bench.open(1);
  write_all(end.get(), "a");
  CHECK(read_bytes(end.get(), 1) == "A");
  bench.here->end_input(1);  // `end` stays open
  CHECK(bench.wait_for_ended(1).front().channel == 1);
}

TEST_CASE("what shells write in front is not passed on") {
  PumpBench bench(/*is_framed=*/true);
  const io::Fd end = bench.open(1);
  write_all(end.get(), "Welcome, last login on Monday\n" + std::string(frame_begin_mark));
  write_all(end.get(), "|10.0.0.1|\na");
  CHECK(read_bytes(end.get(), 1) == "A");
}

TEST_CASE("a connection that passes something else ends, and says so") {
  Pair connection = socket_pair();
  auto pump = ChannelPump::create({}, ends_of(std::move(connection.one))).value();
  Pair local = socket_pair();
  pump->open(1, ends_of(std::move(local.one)), {});
  write_all(connection.other.get(), "This account is currently not available.\n");
  pump->run();
  const std::vector<ChannelPump::Ended> ended = pump->take_ended();
  REQUIRE(ended.size() == 1);
  CHECK_FALSE(ended.front().why.empty());
}

TEST_CASE("why a connection ended is what its process said, also where its streams end sooner") {
  Pair connection = socket_pair();
  write_all(connection.other.get(), std::string(frame_begin_mark) + "\n--murder-ends--\n");
  auto pump = ChannelPump::create({.is_framed = true}, ends_of(std::move(connection.one))).value();
  Pair local = socket_pair();
  pump->open(1, ends_of(std::move(local.one)), {});
  std::thread running([&] { pump->run(); });
  pump->end_connection("killed by signal 9");
  running.join();
  pump->open(2, ends_of(std::move(local.other)), {});  // too late
  const std::vector<ChannelPump::Ended> ended = pump->take_ended();
  REQUIRE(ended.size() == 2);
  CHECK(ended[0].why == "killed by signal 9");
  CHECK(ended[1].channel == 2);
  CHECK(ended[1].why == "killed by signal 9");
}
