#include "engine/http/blocking_client.h"

#include <atomic>
#include <thread>

#include "../io/listen_unix.h"
#include "engine/io/notifier.h"
#include "support.h"

using namespace murder;
using namespace murder::http;

namespace {

// The echo server on a thread of its own, reachable by TCP and by a unix socket.
class ServerThread {
 public:
  ServerThread() {
    char pattern[] = "/tmp/murder-test-XXXXXX";
    REQUIRE(mkdtemp(pattern) != nullptr);
    directory_ = pattern;
    fixture_.server->serve(io::listen_unix(path()).release());
    thread_ = std::thread([this] {
      fixture_.reactor->run();
      fixture_.server.reset();
    });
  }
  ~ServerThread() {
    stop_.notify();
    thread_.join();
    unlink(path().c_str());
    rmdir(directory_.c_str());
  }
  [[nodiscard]] std::string path() const { return directory_ + "/control"; }
  [[nodiscard]] std::string url(std::string_view path) const {
    return "http://" + fixture_.endpoint.text() + std::string(path);
  }

 private:
  void stop(io::Notifier&) { fixture_.reactor->stop(); }

  ServerFixture fixture_;
  std::string directory_;
  io::Notifier stop_{*fixture_.reactor, callback<&ServerThread::stop>(this)};
  std::thread thread_;
};

}  // namespace

TEST_CASE("a URL is fetched, from the address that was asked for") {
  const ServerThread server;
  const Result<Reply> reply =
      blocking_request(server.url("/x?y"), {.bind_address = IpAddress::parse("127.0.0.3")});
  REQUIRE(reply);
  CHECK(reply->status == 200);
  CHECK(reply->body == "GET /x y |");
  CHECK(reply->local_address.address.text() == "127.0.0.3");
}

TEST_CASE("a control socket is asked, and posted to") {
  const ServerThread server;
  const Result<Reply> reply = blocking_request(
      "http://local/stop-it", {.method = "POST", .body = "now", .unix_socket_path = server.path()});
  REQUIRE(reply);
  CHECK(reply->body == "POST /stop-it  now|");
}

TEST_CASE("a large reply arrives whole, one over the bound is an error") {
  const ServerThread server;
  const Result<Reply> whole =
      blocking_request(server.url("/large"), {.body_bytes_max = 64 * 1024 * 1024});
  REQUIRE(whole);
  CHECK(whole->body.size() == 64U * 1024 * 1024);
  const Result<Reply> over = blocking_request(server.url("/large"), {.body_bytes_max = 1000});
  REQUIRE_FALSE(over);
  CHECK(over.error().code == ErrorCode::limit);
}

TEST_CASE("a socket that is not there and a server that is silent are errors") {
  const Result<Reply> missing =
      blocking_request("http://local/", {.unix_socket_path = "/tmp/murder-test-no-such-socket"});
  REQUIRE_FALSE(missing);
  CHECK(missing.error().code == ErrorCode::not_found);
  auto listener = io::listen_tcp({*IpAddress::parse("127.0.0.1"), 0}, {});
  REQUIRE(listener);
  const std::string url = "http://" + io::local_endpoint(listener->get())->text() + "/";
  const Result<Reply> silent = blocking_request(url, {.timeout = std::chrono::milliseconds(50)});
  REQUIRE_FALSE(silent);
  CHECK(silent.error().code == ErrorCode::timeout);
  listener->reset();
  const Result<Reply> closed = blocking_request(url, {});
  REQUIRE_FALSE(closed);
  CHECK(closed.error().text.find("cannot connect: Connection refused") != std::string::npos);
}
