#include "engine/http/client.h"

#include <optional>

#include "support.h"

using namespace murder;
using namespace murder::http;

namespace {

// Accepts one connection at a time and answers it with a script, whatever is asked. Turned by the
// test through the client's reactor: all sockets are polled, nothing blocks.
class ScriptedServer {
 public:
  explicit ScriptedServer(std::vector<std::string> answers, bool hang = false)
      : answers_(std::move(answers)), hang_(hang) {
    auto fd = io::listen_tcp({*IpAddress::parse("127.0.0.1"), 0}, {});
    REQUIRE(fd);
    listener_ = std::move(*fd);
  }
  [[nodiscard]] std::string url(std::string_view path) const {
    return "http://" + io::local_endpoint(listener_.get())->text() + std::string(path);
  }
  void step() {
    if (!connection_.is_open() && readable(listener_.get())) {
      connection_ = io::Fd(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
      asked_.clear();
    }
    if (connection_.is_open() && readable(connection_.get())) {
      std::array<char, 4096> buffer;
      const ssize_t size = recv(connection_.get(), buffer.data(), buffer.size(), 0);
      asked_.append(buffer.data(), size > 0 ? static_cast<size_t>(size) : 0);
      if (size <= 0) {
        connection_.reset();
      } else if (asked_.find("\r\n\r\n") != std::string::npos && !hang_) {
        requests.push_back(asked_);
        remote = *io::peer_endpoint(connection_.get());
        const std::string& answer = answers_[std::min(requests.size(), answers_.size()) - 1];
        [[maybe_unused]] const ssize_t sent =
            ::send(connection_.get(), answer.data(), answer.size(), MSG_NOSIGNAL);
        connection_.reset();
      }
    }
  }
  std::vector<std::string> requests;
  Endpoint remote;

 private:
  static bool readable(int fd) {
    pollfd item{.fd = fd, .events = POLLIN, .revents = 0};
    return poll(&item, 1, 0) == 1;
  }
  io::Fd listener_;
  io::Fd connection_;
  std::vector<std::string> answers_;
  bool hang_;
  std::string asked_;
};

struct Caller final : ClientObserver {
  explicit Caller(io::Reactor& reactor) : client(reactor, *this) {}
  void on_http_reply(Client&, Result<Reply> got) override {
    ++calls;
    reply.emplace(std::move(got));
  }
  std::optional<Result<Reply>> reply;
  int calls = 0;
  Client client;
};

Result<Reply> ask(ScriptedServer& server, std::string_view path, RequestOptions options = {}) {
  const auto reactor = make_reactor();
  Caller caller(*reactor);
  caller.client.request(server.url(path), std::move(options));
  CHECK(caller.client.busy());
  REQUIRE(reactor->run_until(
      [&] {
        server.step();
        reactor->skip_wait();
        return caller.reply.has_value();
      },
      patience));
  CHECK_FALSE(caller.client.busy());
  CHECK(caller.calls == 1);
  return std::move(*caller.reply);
}

std::string error_of(std::string answer, RequestOptions options = {}) {
  ScriptedServer server({std::move(answer)});
  const Result<Reply> reply = ask(server, "/announce?x", std::move(options));
  return reply ? "no error: " + std::to_string(reply->status) : reply.error().text;
}

}  // namespace

TEST_CASE("a reply comes back with status, body, and the address the connection left from") {
  ScriptedServer server({"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\nhello"});
  const Result<Reply> reply =
      ask(server, "/announce?a=b", {.bind_address = IpAddress::parse("127.0.0.9")});
  REQUIRE(reply);
  CHECK(reply->status == 200);
  CHECK(reply->body == "hello");
  CHECK(reply->content_type == "text/plain");
  CHECK(reply->local_address == server.remote);
  CHECK(reply->local_address.address.text() == "127.0.0.9");
  CHECK(server.requests.front().starts_with("GET /announce?a=b HTTP/1.1\r\n"));
}

TEST_CASE("a status of 500 is a reply; garbage, a cut body and an early close are errors") {
  CHECK(error_of("HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n") == "no error: 500");
  CHECK(error_of("220 mail.example ESMTP\r\n\r\n").find("/announce: ") != std::string::npos);
  CHECK(error_of("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf").find("after 4 bytes") !=
        std::string::npos);
  CHECK(error_of("").find("closed without an answer") != std::string::npos);
  CHECK(error_of("HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n01234567890", {.body_bytes_max = 10})
            .find("11 bytes") != std::string::npos);
}

TEST_CASE("chunks and redirects are followed, endless redirects are not") {
  ScriptedServer server(
      {"HTTP/1.1 302 F\r\nLocation: /two\r\nContent-Length: 0\r\n\r\n",
       "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"});
  const Result<Reply> reply = ask(server, "/one");
  REQUIRE(reply);
  CHECK(reply->body == "ok");
  CHECK(reply->final_url == server.url("/two"));
  CHECK(error_of("HTTP/1.1 302 F\r\nLocation: /again\r\nContent-Length: 0\r\n\r\n")
            .find("redirected more than 5 times") != std::string::npos);
}

TEST_CASE("silence ends in a timeout that says so") {
  ScriptedServer server({""}, true);
  const Result<Reply> reply = ask(server, "/", {.timeout = std::chrono::milliseconds(50)});
  REQUIRE_FALSE(reply);
  CHECK(reply.error().code == ErrorCode::timeout);
  CHECK(reply.error().text.find("waiting for the answer took longer than") != std::string::npos);
}

TEST_CASE("a name is resolved, and a port nobody listens on is an error") {
  const auto reactor = make_reactor();
  Caller caller(*reactor);
  std::string url;
  {
    ScriptedServer gone({""});
    url = gone.url("/");
  }
  url.replace(url.find("127.0.0.1"), 9, "localhost");
  caller.client.request(url, {});
  REQUIRE(reactor->run_until([&] { return caller.reply.has_value(); }, patience));
  REQUIRE_FALSE(*caller.reply);
  CHECK(caller.reply->error().code == ErrorCode::network);
  CHECK(caller.reply->error().text.find("cannot connect: Connection refused") != std::string::npos);
}

TEST_CASE("a bad URL is an error that comes in a later turn, not from within the request") {
  const auto reactor = make_reactor();
  Caller caller(*reactor);
  caller.client.request("udp://host/", {});
  CHECK(caller.calls == 0);
  REQUIRE(reactor->run_until([&] { return caller.reply.has_value(); }, patience));
  CHECK(caller.reply->error().code == ErrorCode::unsupported);
}

TEST_CASE("after cancel the observer hears nothing, and a new request may start") {
  ScriptedServer silent({""}, true);
  ScriptedServer server({"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"});
  const auto reactor = make_reactor();
  Caller caller(*reactor);
  caller.client.request(silent.url("/"), {});
  for (int turn = 0; turn < 10; ++turn) {
    silent.step();
    reactor->run_turn(std::chrono::milliseconds(1));
  }
  caller.client.cancel();
  CHECK_FALSE(caller.client.busy());
  caller.client.request(server.url("/"), {});
  REQUIRE(reactor->run_until(
      [&] {
        server.step();
        reactor->skip_wait();
        return caller.reply.has_value();
      },
      patience));
  CHECK((*caller.reply)->body == "ok");
  CHECK(caller.calls == 1);
}

TEST_CASE("a client may go at any step of its request") {
  for (int turns = 0; turns < 16; ++turns) {
    const bool hang = turns >= 8;
    ScriptedServer server({"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nok"}, hang);
    const auto reactor = make_reactor();
    {
      Caller caller(*reactor);
      std::string url = server.url("/");
      caller.client.request(turns % 2 == 0 ? url : url.replace(7, 9, "localhost"), {});
      for (int turn = 0; turn < turns; ++turn) {
        reactor->run_turn(std::chrono::milliseconds(1));
        server.step();
      }
    }
    CHECK(reactor->run_until([&] { return reactor->operations_in_flight() == 0; }, patience));
  }
}

TEST_CASE("a client may be freed by its own observer") {
  ScriptedServer server({"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"});
  const auto reactor = make_reactor();
  struct Suicidal final : ClientObserver {
    Suicidal(io::Reactor& reactor, bool& gone) : gone_(gone), client(reactor, *this) {}
    void on_http_reply(Client&, Result<Reply>) override {
      gone_ = true;
      delete this;
    }
    bool& gone_;
    Client client;
  };
  bool gone = false;
  auto* caller = new Suicidal(*reactor, gone);
  caller->client.request(server.url("/"), {});
  CHECK(reactor->run_until(
      [&] {
        server.step();
        reactor->skip_wait();
        return gone;
      },
      patience));
}
