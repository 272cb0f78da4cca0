#include "agent/stdio_relay.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <vector>

#include "agent/bounds.h"
#include "engine/control/bounds.h"
#include "engine/control/link_messages.h"
#include "engine/http/client.h"
#include "engine/io/sockets.h"
#include "engine/trust/base64.h"

using namespace murder;
using namespace murder::agent;
using namespace std::chrono_literals;

namespace {

std::string framed_text(std::string_view text) {
  std::string out;
  control::append_frame(out, text);
  return out;
}

// A relay, with a test at both ends of it.
class RelayBench final : private http::ClientObserver {
 public:
  RelayBench() {
    int in[2];
    int out[2];
    REQUIRE(pipe2(in, O_CLOEXEC) == 0);
    REQUIRE(pipe2(out, O_CLOEXEC) == 0);
    input = io::Fd(in[1]);
    output = io::Fd(out[0]);
    REQUIRE(fcntl(output.get(), F_SETFL, O_NONBLOCK) == 0);
    io::Fd listening =
        io::listen_tcp(Endpoint{IpAddress::parse("127.0.0.1").value(), 0}, {}).value();
    port = io::local_endpoint(listening.get())->port;
    reactor = io::Reactor::create({.ring_entries = 64}).value();
    relay = StdioRelay::create(*reactor, {.input = io::Fd(in[0]),
                                          .output = io::Fd(out[1]),
                                          .listening = std::move(listening)})
                .value();
    link = relay->take_link();
    client = std::make_unique<http::Client>(*reactor, static_cast<http::ClientObserver&>(*this));
  }

  // Until something holds; it comes from the kernel, so it comes.
  template <typename Done>
  void until(Done&& done) {
    CHECK(reactor->run_until(std::forward<Done>(done), 20s));
  }
  void write_input(const std::string& bytes) {
    REQUIRE(write(input.get(), bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()));
  }
  void write_link(const std::string& bytes) {
    REQUIRE(send(link.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
            static_cast<ssize_t>(bytes.size()));
  }
  // What came out so far.
  const std::string& out() {
    char bytes[65536];
    for (ssize_t size; (size = read(output.get(), bytes, sizeof bytes)) > 0;) {
      out_.append(bytes, static_cast<size_t>(size));
    }
    return out_;
  }
  const std::string& from_link() {
    char bytes[65536];
    for (ssize_t size; (size = recv(link.get(), bytes, sizeof bytes, MSG_DONTWAIT)) > 0;) {
      from_link_.append(bytes, static_cast<size_t>(size));
    }
    return from_link_;
  }
  void ask(const std::string& target) {
    client->request("http://127.0.0.1:" + std::to_string(port) + target,
                    {.body_bytes_max = limits::agent_torrent_bytes_max});
  }

  io::Fd input;
  io::Fd output;
  io::Fd link;
  uint16_t port = 0;
  std::unique_ptr<io::Reactor> reactor;
  std::unique_ptr<StdioRelay> relay;
  std::unique_ptr<http::Client> client;
  std::vector<http::Reply> replies;
  std::vector<Error> failures;

 private:
  void on_http_reply(http::Client&, Result<http::Reply> reply) override {
    if (reply) {
      replies.push_back(std::move(*reply));
    } else {
      failures.push_back(reply.error());
    }
  }

  std::string out_;
  std::string from_link_;
};

}  // namespace

TEST_CASE("frames of a link pass as they are, both ways") {
  RelayBench bench;
  const std::string hello = framed_text(R"({"type":"hello"})");
  bench.write_link(hello.substr(0, 6));
  bench.write_link(hello.substr(6) + hello);
  bench.until([&] { return bench.out() == hello + hello; });
  const std::string challenge = framed_text(R"({"type":"challenge"})");
  bench.write_input(challenge.substr(0, 3));
  bench.write_input(challenge.substr(3));
  bench.until([&] { return bench.from_link() == challenge; });
}

TEST_CASE("what the host asks for is asked for between frames, and answered in parts") {
  RelayBench bench;
  bench.write_link(framed_text("{}").substr(0, 5));  // a frame that is not whole holds nothing up
  bench.ask("/control/torrent?info_hash=00");
  const std::string get = framed_text(
      control::text_of(control::RelayGet{.id = 1, .target = "/control/torrent?info_hash=00"}));
  bench.until([&] { return bench.out() == get; });
  const control::RelayGot first{
      .id = 1, .status = 200, .body = trust::encode_base64(std::string("ab\0", 3)), .more = true};
  bench.write_input(framed_text(control::text_of(first)) +
                    framed_text(control::text_of(control::RelayGot{.id = 9, .status = 200})));
  bench.write_input(framed_text(control::text_of(
      control::RelayGot{.id = 1, .status = 200, .body = trust::encode_base64("cd")})));
  bench.until([&] { return !bench.replies.empty(); });
  CHECK(bench.replies.at(0).status == 200);
  CHECK(bench.replies.at(0).body == std::string("ab\0cd", 5));
  CHECK(bench.from_link().empty());
  bench.write_link(framed_text("{}").substr(5));
  bench.until([&] { return bench.out() == get + framed_text("{}"); });
}

TEST_CASE("orders are not passed on, and who does not answer is named") {
  RelayBench bench;
  bench.ask("/control/rollouts");
  bench.until([&] { return bench.replies.size() == 1; });
  CHECK(bench.replies.at(0).status == 404);
  bench.ask("/announce?x=y");
  bench.until([&] { return !bench.out().empty(); });
  bench.write_input(framed_text(control::text_of(
      control::RelayGot{.id = 1, .status = 0, .body = trust::encode_base64("no way there")})));
  bench.until([&] { return bench.replies.size() == 2; });
  CHECK(bench.replies.at(1).status == 502);
  CHECK(bench.replies.at(1).body == "no way there");
}

TEST_CASE("an end that is closed, or brings no frames, closes the link") {
  RelayBench bench;
  SUBCASE("closed") {
    bench.input.reset();
  }
  SUBCASE("a length out of bounds") {
    bench.write_input("\xff\xff\xff\xff");
  }
  SUBCASE("an answer that is none") {
    bench.write_input(framed_text(R"({"type":"got"})"));
  }
  bench.until([&] { return bench.relay->is_closed(); });
  char byte = 0;
  CHECK(recv(bench.link.get(), &byte, 1, MSG_DONTWAIT) == 0);
}

TEST_CASE("who asks is refused when the agent ends, and the link goes on") {
  RelayBench bench;
  bench.ask("/announce?x=y");
  bench.until([&] { return !bench.out().empty(); });
  const std::string asked = bench.out();
  bench.relay->refuse();
  bench.until([&] { return bench.relay->is_refusing() && bench.failures.size() == 1; });
  bench.ask("/announce?x=z");
  bench.until([&] { return bench.failures.size() == 2; });
  bench.write_input(framed_text(
      control::text_of(control::RelayGot{.id = 1, .status = 200, .body = ""})));  // too late
  bench.write_link(framed_text("{}"));
  bench.until([&] { return bench.out() == asked + framed_text("{}"); });
  CHECK(bench.replies.empty());
}
