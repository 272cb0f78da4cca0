#include "agent/coordinator_link.h"

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <vector>

#include "engine/control/bounds.h"
#include "engine/control/frame.h"
#include "engine/control/message_text.h"
#include "engine/io/sockets.h"

using namespace murder;
using namespace murder::agent;
using namespace std::chrono_literals;

namespace {

Instant clock_now{};

Instant test_clock() {
  return clock_now;
}

// A coordinator's end that a test plays by hand, and the agent's owner.
class LinkBench final : private LinkOwner {
 public:
  // `secret`: the first byte of the fleet's key; 0: the fleet is open.
  explicit LinkBench(uint8_t secret = 0) {
    std::optional<trust::FleetKeys> keys;
    if (secret != 0) {
      keys.emplace();
      keys->fleet.secrets[0][0] = secret;
      keys->fleet.count = 1;
    }
    listening = io::listen_tcp(Endpoint{IpAddress::parse("127.0.0.1").value(), 0}, {}).value();
    port = io::local_endpoint(listening.get())->port;
    clock_now = Instant(1h);
    reactor = io::Reactor::create({.ring_entries = 64, .clock = test_clock}).value();
    reactor->run_turn(Duration::zero());
    link = std::make_unique<CoordinatorLink>(
        *reactor, static_cast<LinkOwner&>(*this),
        std::vector<codec::ServerPlace>{{{.host = "127.0.0.1", .port = port}}}, keys, 1);
    link->start();
  }
  ~LinkBench() {
    link->close();
    reactor->run_until([this] { return link->is_closed(); });
  }

  void turn() {
    for (int count = 0; count < 20; ++count) {
      reactor->run_turn(2ms);
    }
  }
  void pass(Duration time) {
    clock_now += time;
    turn();
  }
  void accept() {
    turn();
    peer = io::Fd(::accept4(listening.get(), nullptr, nullptr, SOCK_CLOEXEC));
    REQUIRE(peer.is_open());
    turn();
  }
  void send(std::string_view bytes) {
    REQUIRE(::send(peer.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
            static_cast<ssize_t>(bytes.size()));
    turn();
  }
  std::string receive() {
    char bytes[65536];
    const ssize_t size = ::recv(peer.get(), bytes, sizeof bytes, MSG_DONTWAIT);
    return size > 0 ? std::string(bytes, static_cast<size_t>(size)) : std::string();
  }
  static std::string frame_of(std::string_view text) {
    std::string out;
    control::append_frame(out, text);
    return out;
  }
  void open() {
    accept();
    send("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n\r\n" +
         frame_of(control::text_of(
             control::Challenge{.nonce = std::string(64, 'a'), .coordinator = "t1"})));
    REQUIRE(link->is_open());
    (void)receive();
  }

  io::Fd listening;
  io::Fd peer;
  uint16_t port = 0;
  std::unique_ptr<io::Reactor> reactor;
  std::unique_ptr<CoordinatorLink> link;
  int opened_count = 0;
  std::vector<control::Wanted> heard;
  std::vector<std::string> losses;
  std::vector<std::string> endings;
  std::vector<std::string> orders;

 private:
  Result<control::Hello> answer(const control::Challenge&) override {
    return control::Hello{.host = "w1", .version = "1", .key = {}, .signature = {}, .session = 5};
  }
  void link_opened() override { ++opened_count; }
  void link_heard(const control::Wanted& wanted) override { heard.push_back(wanted); }
  void link_ordered(std::string_view text) override { orders.emplace_back(text); }
  void link_ended(const control::Ended& ended) override { endings.push_back(ended.text); }
  void link_lost(const Error& error) override { losses.push_back(error.text); }
};

}  // namespace

TEST_CASE("a link asks, is challenged, says who it is, and hears what is wanted") {
  LinkBench bench;
  bench.accept();
  const std::string asked = bench.receive();
  CHECK(asked.find("GET /control/agent HTTP/1.1\r\n") == 0);
  CHECK(asked.find("Connection: Upgrade\r\n") != std::string::npos);
  CHECK(asked.find("Upgrade: murder-agent/1\r\n") != std::string::npos);
  CHECK(asked.find("keep-alive") == std::string::npos);
  bench.send("HTTP/1.1 101 Switching Protocols\r\n\r\n");
  CHECK_FALSE(bench.link->is_open());
  bench.send(LinkBench::frame_of(
      control::text_of(control::Challenge{.nonce = std::string(64, 'a'), .coordinator = "t1"})));
  CHECK(bench.link->is_open());
  CHECK(bench.opened_count == 1);
  CHECK(bench.receive().find(R"({"type":"hello","host":"w1")") == 4);
  const std::string wanted = LinkBench::frame_of(control::text_of(control::Wanted{.revision = 9}));
  bench.send(wanted.substr(0, 7));
  bench.send(wanted.substr(7) + LinkBench::frame_of(R"({"type":"of the future"})"));
  REQUIRE(bench.heard.size() == 1);
  CHECK(bench.heard[0].revision == 9);
  bench.send(
      LinkBench::frame_of(control::text_of(control::OrderMessage{.text = "murder-order 1\n"})));
  CHECK(bench.orders == std::vector<std::string>{"murder-order 1\n"});
  bench.send(LinkBench::frame_of(control::text_of(control::Ended{.text = "done"})));
  CHECK(bench.endings == std::vector<std::string>{"done"});
  bench.link->send("{}");
  bench.turn();
  CHECK(bench.receive() == LinkBench::frame_of("{}"));
}

TEST_CASE("what is wanted again is heard as if it had come whole, on the same connection alone") {
  LinkBench bench;
  bench.open();
  const std::string again =
      LinkBench::frame_of(control::text_of(control::HeardAgain{.heard_number = 12}));
  bench.send(
      LinkBench::frame_of(control::text_of(control::Wanted{.revision = 9, .heard_number = 11})) +
      again);
  REQUIRE(bench.heard.size() == 2);
  CHECK(bench.heard[1].revision == 9);
  CHECK(bench.heard[1].heard_number == 12);
  bench.peer.reset();
  bench.turn();
  bench.pass(1s);
  bench.open();
  bench.send(again);
  CHECK_FALSE(bench.link->is_open());
  CHECK(bench.heard.size() == 2);
  CHECK(bench.losses.back().find("as before") != std::string::npos);
}

TEST_CASE("a coordinator that takes heartbeats in short is known for its connection") {
  for (const bool takes : {false, true}) {
    LinkBench bench;
    bench.accept();
    bench.send("HTTP/1.1 101 Switching Protocols\r\n\r\n" +
               LinkBench::frame_of(control::text_of(control::Challenge{
                   .nonce = std::string(64, 'a'), .coordinator = "t1", .takes_alive = takes})));
    CHECK(bench.link->is_open());
    CHECK(bench.link->takes_alive() == takes);
    bench.peer.reset();
    bench.turn();
    bench.pass(1s);
    bench.open();
    CHECK_FALSE(bench.link->takes_alive());
  }
}

TEST_CASE("in a closed fleet nothing is said before the coordinator has proven the key") {
  const trust::Secret key{7};
  for (const std::string_view proof : {"none", "other key", "other hello", "right"}) {
    INFO(proof);
    LinkBench bench(7);
    bench.accept();
    const std::string asked = bench.receive();
    const size_t begin = asked.find("?link=");
    REQUIRE(begin != std::string::npos);
    std::string hello = asked.substr(begin + 6, asked.find('&') - begin - 6);
    CHECK(asked.find("&token=") != std::string::npos);
    if (proof == "other hello") {
      hello[5] = hello[5] == '0' ? '1' : '0';
    }
    const std::string nonce(64, 'a');
    const std::string answer = trust::link_answer(proof == "other key" ? trust::Secret{8} : key,
                                                  hello, {.nonce = nonce, .coordinator = "t1"});
    bench.send("HTTP/1.1 101 Switching Protocols\r\n\r\n" +
               LinkBench::frame_of(control::text_of(
                   control::Challenge{.nonce = nonce,
                                      .coordinator = "t1",
                                      .proof = proof == "none" ? std::string() : answer})));
    CHECK(bench.link->is_open() == (proof == "right"));
    if (proof != "right") {
      CHECK(bench.receive() == "");
      REQUIRE(bench.losses.size() == 1);
      CHECK(bench.losses[0].find("this fleet's key") != std::string::npos);
      continue;
    }
    trust::LinkSeal seal(key, answer, trust::LinkSeal::Role::coordinator);
    std::string said = bench.receive().substr(control::frame_head_bytes);
    REQUIRE(seal.open(said));
    CHECK(said.find(R"({"type":"hello")") == 0);
    std::string wanted = control::text_of(control::Wanted{.revision = 9});
    seal.seal(wanted);
    bench.send(LinkBench::frame_of(wanted));
    CHECK(bench.heard.size() == 1);
    bench.send(LinkBench::frame_of(wanted));  // once more
    CHECK(bench.heard.size() == 1);
    CHECK(bench.losses.size() == 1);
  }
}

TEST_CASE("a coordinator that falls silent is gone, whatever TCP says") {
  LinkBench bench;
  bench.open();
  bench.pass(60s);
  bench.send(LinkBench::frame_of(control::text_of(control::Wanted{})));
  bench.pass(60s);
  CHECK(bench.losses.empty());
  bench.pass(16s);
  REQUIRE(bench.losses.size() == 1);
  CHECK(bench.losses[0].find("sent nothing for too long") != std::string::npos);
  bench.pass(11s);
  bench.open();
  CHECK(bench.opened_count == 2);
}

TEST_CASE("one that does not answer is given up") {
  LinkBench bench;
  bench.accept();
  bench.pass(11s);
  REQUIRE(bench.losses.size() == 1);
  CHECK(bench.losses[0].find("no answer in time") != std::string::npos);
}

TEST_CASE("refusals and nonsense end a connection and say why") {
  const std::string upgrade = "HTTP/1.1 101 Switching Protocols\r\n\r\n";
  for (const auto& each : std::vector<std::pair<std::string, std::string>>{
           {"HTTP/1.1 403 Forbidden\r\nContent-Length: 7\r\n\r\nclosed\n",
            "HTTP status 403: closed; this host has no fleet key"},
           {"HTTP/1.1 500 X\r\nContent-Length: 15\r\n\r\n{\"error\":\"full\"", "HTTP status 500"},
           {"HTTP/1.1 503 X\r\nContent-Length: 16\r\n\r\n{\"error\":\"full\"}",
            "HTTP status 503: full"},
           {"nonsense\r\n\r\n", "no answer of a coordinator"},
           {"HTTP/1.1 200 OK\r\n" + std::string(20000, 'x'), "no answer of a coordinator"},
           {upgrade + std::string("\xff\xff\xff\xff", 4), "bytes"},
           {upgrade + std::string("\0\0\0\0", 4), "bytes"},
           {upgrade + LinkBench::frame_of("nonsense"), "JSON"},
           {upgrade + LinkBench::frame_of(control::text_of(control::Refused{.text = "not you"})),
            "refused: not you"},
       }) {
    const std::string& sent = each.first;
    const std::string& why = each.second;
    INFO(why);
    LinkBench bench;
    bench.accept();
    bench.send(sent);
    REQUIRE(bench.losses.size() == 1);
    CHECK(bench.losses[0].find(why) != std::string::npos);
  }
}

TEST_CASE("one that takes nothing is given up before it takes much memory") {
  LinkBench bench;
  bench.open();
  const std::string text = "\"" + std::string(60'000, 'x') + "\"";
  for (int count = 0; count < 1000 && bench.link->is_open(); ++count) {
    bench.link->send(text);
    bench.reactor->run_turn(Duration::zero());
  }
  CHECK_FALSE(bench.link->is_open());
  bench.turn();
  REQUIRE(bench.losses.size() == 1);
}
