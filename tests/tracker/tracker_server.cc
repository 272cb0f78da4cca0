#include "tracker/tracker_server.h"

#include <doctest/doctest.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <string>
#include <thread>

#include "../engine/io/listen_unix.h"
#include "engine/http/blocking_client.h"
#include "values.h"

using namespace murder;
using namespace murder::tracker;
using namespace murder::test;

namespace {

Endpoint any_port_of(const char* listen) {
  return {.address = address(listen), .port = 0};
}

// Serves GET /status and POST /stop as the command line tool's handler does.
class Control : public http::Handler {
 public:
  explicit Control(TrackerServer& tracker) : tracker_(tracker) {}

  http::Response handle(const http::Request& request, Instant) override {
    if (request.path == "/status") {
      return {.body = tracker_.status_json()};
    }
    if (request.path == "/stop" && request.method == "POST") {
      tracker_.stop();
      return {.body = "stopping\n"};
    }
    return {.status = 404};
  }

 private:
  TrackerServer& tracker_;
};

// A tracker in a thread of its own, stopped through its control socket.
class RunningTracker {
 public:
  explicit RunningTracker(const char* listen) {
    socket_path_ = "/tmp/murder-test-tracker-" + std::to_string(getpid()) + ".sock";
    auto tracker =
        TrackerServer::create({.listen = {any_port_of(listen)}, .handle_signals = false});
    REQUIRE_MESSAGE(tracker.has_value(), (tracker ? "" : tracker.error().text));
    tracker_ = std::move(*tracker);
    control_ = std::make_unique<Control>(*tracker_);
    REQUIRE(
        tracker_->serve_control(io::listen_unix(socket_path_).release(), *control_).has_value());
    port_ = tracker_->endpoints().at(0).port;
    thread_ = std::thread([this] {
      tracker_->run();
      tracker_.reset();  // on the thread that ran it
    });
  }
  RunningTracker(const RunningTracker&) = delete;
  RunningTracker& operator=(const RunningTracker&) = delete;
  ~RunningTracker() {
    stop();
    unlink(socket_path_.c_str());
  }

  void stop() {
    if (thread_.joinable()) {
      const auto reply = http::blocking_request(
          "http://local/stop", {.method = "POST", .unix_socket_path = socket_path_});
      CHECK(reply.has_value());
      CHECK((reply && reply->body == "stopping\n"));
      thread_.join();
    }
  }

  [[nodiscard]] uint16_t port() const { return port_; }
  [[nodiscard]] http::Reply control_status() const {
    return http::blocking_request("http://local/status", {.unix_socket_path = socket_path_})
        .value_or(http::Reply{});
  }
  [[nodiscard]] http::Reply get(const std::string& host, const std::string& target,
                                const char* from = nullptr) const {
    http::RequestOptions options;
    if (from != nullptr) {
      options.bind_address = address(from);
    }
    const std::string url = "http://" + host + ":" + std::to_string(port_) + target;
    return http::blocking_request(url, options).value_or(http::Reply{});
  }

 private:
  std::string socket_path_;
  std::unique_ptr<TrackerServer> tracker_;
  std::unique_ptr<Control> control_;
  uint16_t port_ = 0;
  std::thread thread_;
};

std::string announce_target(uint32_t number, codec::AnnounceEvent event) {
  return "/announce?" + codec::encode_announce_query({.info_hash = hash_number(1),
                                                      .peer_id = own_peer(number),
                                                      .port = 6881,
                                                      .left_bytes = 7,
                                                      .event = event,
                                                      .name = "web-v42"});
}

codec::AnnounceReply decoded(const http::Reply& reply) {
  CHECK(reply.status == 200);
  const auto result = codec::decode_announce_reply(as_bytes_of(reply.body));
  REQUIRE(result.has_value());
  return *result;
}

}  // namespace

TEST_CASE("peers on a real socket find each other by the addresses they come from") {
  RunningTracker tracker("127.0.0.1");
  CHECK(decoded(tracker.get("127.0.0.1", announce_target(1, codec::AnnounceEvent::started),
                            "127.0.0.2"))
            .peers.empty());
  const codec::AnnounceReply second = decoded(
      tracker.get("127.0.0.1", announce_target(2, codec::AnnounceEvent::started), "127.0.0.3"));
  REQUIRE(second.peers.size() == 1);
  CHECK(second.peers[0].endpoint.text() == "127.0.0.2:6881");
  CHECK(second.external_ip == address("127.0.0.3"));
  CHECK(tracker.get("127.0.0.1", "/").body.find("web-v42") != std::string::npos);
  CHECK(tracker.get("127.0.0.1", "/metrics").body.find("http_connections_total") !=
        std::string::npos);
  CHECK(tracker.get("127.0.0.1", "/nothing").status == 404);
  CHECK(tracker.control_status().body.find("\"name\":\"web-v42\"") != std::string::npos);
  tracker.stop();
  CHECK(tracker.get("127.0.0.1", "/").status == 0);
}

TEST_CASE("a listener on [::] serves both families and sees IPv4 peers as such") {
  RunningTracker tracker("::");
  decoded(tracker.get("127.0.0.1", announce_target(1, codec::AnnounceEvent::started)));
  const codec::AnnounceReply reply =
      decoded(tracker.get("[::1]", announce_target(2, codec::AnnounceEvent::started)));
  REQUIRE(reply.peers.size() == 1);
  CHECK(reply.peers[0].endpoint.text() == "127.0.0.1:6881");
  CHECK(reply.external_ip == address("::1"));
}

TEST_CASE("a port that is taken is an error that names it and what to do") {
  RunningTracker tracker("127.0.0.1");
  const auto second =
      TrackerServer::create({.listen = {{.address = address("127.0.0.1"), .port = tracker.port()}},
                             .handle_signals = false});
  REQUIRE_FALSE(second.has_value());
  CHECK(second.error().code == ErrorCode::conflict);
  CHECK(second.error().text.find(std::to_string(tracker.port())) != std::string::npos);
  CHECK(second.error().text.find("--listen") != std::string::npos);
}

TEST_CASE("SIGTERM ends a run") {
  auto tracker = TrackerServer::create({.listen = {any_port_of("127.0.0.1")}});
  REQUIRE(tracker.has_value());
  REQUIRE(kill(getpid(), SIGTERM) == 0);
  (*tracker)->run();  // returns
}

TEST_CASE("the soft limit on open files is raised to the hard one") {
  rlimit before{};
  REQUIRE(getrlimit(RLIMIT_NOFILE, &before) == 0);
  const rlimit lowered{.rlim_cur = 256, .rlim_max = before.rlim_max};
  REQUIRE(setrlimit(RLIMIT_NOFILE, &lowered) == 0);
  {
    const RunningTracker tracker("127.0.0.1");
    rlimit raised{};
    REQUIRE(getrlimit(RLIMIT_NOFILE, &raised) == 0);
    CHECK(raised.rlim_cur == raised.rlim_max);
  }
  setrlimit(RLIMIT_NOFILE, &before);
}
