// Time, room and descriptors: what the server does when clients take too much of them.
#include <dirent.h>
#include <sys/resource.h>

#include "engine/http/server.h"
#include "support.h"

using namespace murder;
using namespace murder::http;

namespace {

constexpr std::string_view request_text = "GET /x HTTP/1.1\r\nHost: x\r\n\r\n";

uint32_t open_descriptor_count() {
  DIR* directory = opendir("/proc/self/fd");
  REQUIRE(directory != nullptr);
  uint32_t count = 0;
  while (readdir(directory) != nullptr) {
    ++count;
  }
  closedir(directory);
  return count;
}

}  // namespace

TEST_CASE("a connection that stays idle is closed after the idle timeout") {
  ServerFixture fixture({.idle_timeout = std::chrono::milliseconds(20)});
  RawClient silent(*fixture.reactor, fixture.endpoint);
  RawClient served(*fixture.reactor, fixture.endpoint);
  served.send(request_text);
  CHECK(served.read_to_end().ends_with("|"));
  CHECK(silent.read_to_end().empty());
  CHECK(fixture.server->counters().timeouts == 2);
}

TEST_CASE("half a request is cut after the request timeout, however its bytes trickle in") {
  ServerFixture fixture(
      {.idle_timeout = std::chrono::minutes(10), .request_timeout = std::chrono::milliseconds(50)});
  RawClient client(*fixture.reactor, fixture.endpoint);
  client.send("GET /never");
  int sent = 0;
  fixture.run_until([&] {
    if (client.ended()) {
      return true;
    }
    [[maybe_unused]] const ssize_t size = ::send(client.fd(), "a", 1, MSG_NOSIGNAL | MSG_DONTWAIT);
    ++sent;
    usleep(1000);
    return false;
  });
  CHECK(sent > 1);
  CHECK(fixture.server->counters().timeouts == 1);
}

TEST_CASE("a client that does not read its answer is dropped") {
  ServerFixture fixture({.send_timeout = std::chrono::milliseconds(50)});
  RawClient client(*fixture.reactor, fixture.endpoint);
  client.send("GET /large HTTP/1.1\r\nHost: x\r\n\r\n");
  fixture.run_until([&] { return fixture.server->counters().timeouts == 1; });
  fixture.run_until([&] { return fixture.server->connection_count() == 0; });
}

TEST_CASE("an answer larger than the socket's buffer arrives whole") {
  ServerFixture fixture;
  RawClient client(*fixture.reactor, fixture.endpoint);
  client.send("GET /large HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  const std::string answer = client.read_to_end();
  CHECK(answer.size() - answer.find("\r\n\r\n") - 4 == 64U * 1024 * 1024);
}

TEST_CASE("clients that do not read hold no more than the server may, and others are served") {
  // Half of it is two large answers.
  ServerFixture fixture({.held_bytes_max = 300ULL * 1024 * 1024});
  std::vector<std::unique_ptr<RawClient>> silent;
  for (int count = 0; count < 8; ++count) {
    silent.push_back(std::make_unique<RawClient>(*fixture.reactor, fixture.endpoint));
    silent.back()->send("GET /large HTTP/1.1\r\nHost: x\r\n\r\n");
    fixture.run_until([&] {
      return fixture.handler.requests == count + 1 && fixture.server->connection_count() <= 2;
    });
  }
  CHECK(fixture.server->counters().crowded == 6);
  RawClient small(*fixture.reactor, fixture.endpoint);
  small.send(request_text);
  CHECK(small.read_until("|").ends_with("GET /x  |"));
  silent.back()->send(request_text);
  CHECK(silent.back()->read_until("|").ends_with("GET /x  |"));
}

TEST_CASE("a large answer that finds no room is refused, a small one is not") {
  ServerFixture fixture({.held_bytes_max = 1});
  RawClient large(*fixture.reactor, fixture.endpoint);
  large.send("GET /large HTTP/1.1\r\nHost: x\r\n\r\n");
  CHECK(large.read_to_end().starts_with("HTTP/1.1 503 "));
  RawClient small(*fixture.reactor, fixture.endpoint);
  small.send(request_text);
  CHECK(small.read_until("|").ends_with("GET /x  |"));
  CHECK(fixture.server->counters().crowded == 1);
}

TEST_CASE("when all places are taken, the connection idle longest makes room") {
  ServerFixture fixture({.connections_max = 2});
  RawClient first(*fixture.reactor, fixture.endpoint);
  first.send(request_text);
  first.read_until("|");
  RawClient second(*fixture.reactor, fixture.endpoint);
  second.send(request_text);
  second.read_until("|");
  first.send(request_text);
  first.read_until("|");
  RawClient third(*fixture.reactor, fixture.endpoint);
  third.send(request_text);
  CHECK(third.read_until("|").ends_with("GET /x  |"));
  CHECK(second.read_to_end().empty());
  CHECK_FALSE(first.ended());
  CHECK(fixture.server->connection_count() == 2);
  CHECK(fixture.server->counters().evictions == 1);
}

TEST_CASE("when no connection is idle, a new one waits until one is") {
  ServerFixture fixture({.connections_max = 1});
  RawClient busy(*fixture.reactor, fixture.endpoint);
  busy.send("GET /half HTTP/1.1\r\n");
  fixture.run_until([&] { return fixture.server->connection_count() == 1; });
  RawClient late(*fixture.reactor, fixture.endpoint);
  late.send(request_text);
  for (int turn = 0; turn < 20; ++turn) {
    late.turn();
  }
  CHECK(fixture.handler.requests == 0);
  busy.send("Host: x\r\n\r\n");
  CHECK(busy.read_until("|").ends_with("GET /half  |"));
  CHECK(late.read_until("|").ends_with("GET /x  |"));
}

TEST_CASE("a slow client gives way when all places are taken, and one that speaks is served") {
  ServerFixture fixture({.connections_max = 4});
  std::vector<std::unique_ptr<RawClient>> slow;
  for (int count = 0; count < 12; ++count) {
    slow.push_back(std::make_unique<RawClient>(*fixture.reactor, fixture.endpoint));
    slow.back()->send("GET /half HTTP/1.1\r\n");
  }
  fixture.run_until([&] { return fixture.server->connection_count() == 4; });
  RawClient late(*fixture.reactor, fixture.endpoint);
  late.send(request_text);
  CHECK(late.read_until("|").ends_with("GET /x  |"));  // long before request_timeout
  CHECK(fixture.server->counters().evictions >= 9);
  CHECK(fixture.server->counters().timeouts == 0);
}

TEST_CASE("the address with the most connections gives way first") {
  ServerFixture fixture({.connections_max = 4});
  const auto client_from = [&](const char* address) {
    return std::make_unique<RawClient>(*fixture.reactor, fixture.endpoint, address);
  };
  const auto honest = client_from("127.0.0.9");  // idle for the longest time
  honest->send(request_text);
  honest->read_until("|");
  std::vector<std::unique_ptr<RawClient>> crowd;
  for (uint32_t count = 2; count <= 4; ++count) {
    crowd.push_back(client_from("127.0.0.8"));
    crowd.back()->send(request_text);
    crowd.back()->read_until("|");
  }
  const auto late = client_from("127.0.0.7");
  late->send(request_text);
  CHECK(late->read_until("|").ends_with("GET /x  |"));
  CHECK_FALSE(honest->ended());
  CHECK(crowd.front()->read_to_end().empty());
}

TEST_CASE("one text is sent to many, whole, and only its head when that was asked for") {
  ServerFixture fixture;
  std::vector<std::unique_ptr<RawClient>> clients;
  for (int count = 0; count < 3; ++count) {
    clients.push_back(std::make_unique<RawClient>(*fixture.reactor, fixture.endpoint));
    clients.back()->send(
        "GET /shared HTTP/1.1\r\nHost: x\r\n\r\nGET /x HTTP/1.1\r\nHost: x\r\n\r\n");
  }
  for (const auto& client : clients) {
    const std::string first = client->read_until("|");
    const size_t body = first.find("\r\n\r\n") + 4;
    CHECK(first.find("Content-Length: 8388609\r\n") != std::string::npos);
    CHECK(first.compare(body, 8U * 1024 * 1024 + 1, fixture.handler.shared.text()) == 0);
    if (!first.ends_with("GET /x  |")) {
      CHECK(client->read_until("GET /x  |").find("ss") == std::string::npos);
    }
  }
  RawClient head(*fixture.reactor, fixture.endpoint);
  head.send("HEAD /shared HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  CHECK(head.read_to_end().ends_with("\r\n\r\n"));
}

TEST_CASE("clients that do not read a shared text hold no memory of the server") {
  ServerFixture fixture({.held_bytes_max = 1024 * 1024});
  std::vector<std::unique_ptr<RawClient>> silent;
  for (int count = 0; count < 20; ++count) {
    silent.push_back(std::make_unique<RawClient>(*fixture.reactor, fixture.endpoint));
    silent.back()->send("GET /shared HTTP/1.1\r\nHost: x\r\n\r\n");
  }
  fixture.run_until([&] { return fixture.handler.requests == 20; });
  RawClient small(*fixture.reactor, fixture.endpoint);
  small.send(request_text);
  CHECK(small.read_until("|").ends_with("GET /x  |"));
  CHECK(fixture.server->counters().crowded == 0);
}

TEST_CASE(
    "a request that waits is handled once more, in its turn, and others are served meanwhile") {
  ServerFixture fixture;
  fixture.handler.later = std::chrono::milliseconds(20);
  RawClient waits(*fixture.reactor, fixture.endpoint);
  waits.send(
      "GET /first HTTP/1.1\r\nHost: x\r\n\r\nGET /later HTTP/1.1\r\nHost: x\r\n\r\n"
      "GET /last HTTP/1.1\r\nHost: x\r\n\r\n");
  std::string got = waits.read_until("GET /first  |");
  RawClient other(*fixture.reactor, fixture.endpoint);
  other.send(request_text);
  CHECK(other.read_until("|").ends_with("GET /x  |"));
  got += waits.read_until("GET /last  |");
  CHECK(got.find("GET /later  |") < got.find("GET /last  |"));
  CHECK(fixture.server->counters().requests == 4);
  CHECK(fixture.handler.requests == 5);
}

TEST_CASE("a client that goes while its request waits, and a server that stops then, end well") {
  ServerFixture fixture;
  fixture.handler.later = std::chrono::milliseconds(20);
  {
    RawClient gone(*fixture.reactor, fixture.endpoint);
    gone.send("GET /later HTTP/1.1\r\nHost: x\r\n\r\n");
    fixture.run_until([&] { return fixture.handler.requests == 1; });
  }
  fixture.run_until([&] { return fixture.server->connection_count() == 0; });
  fixture.handler.later = std::chrono::minutes(5);
  RawClient waits(*fixture.reactor, fixture.endpoint);
  waits.send("GET /later HTTP/1.1\r\nHost: x\r\n\r\n");
  fixture.run_until([&] { return fixture.handler.requests == 3; });
  fixture.server->stop();
  CHECK(waits.read_to_end().empty());
}

TEST_CASE("a handler learns where the client reached the server") {
  ServerFixture fixture;
  RawClient client(*fixture.reactor, fixture.endpoint);
  client.send(request_text);
  client.read_until("|");
  CHECK(fixture.handler.local == fixture.endpoint);
}

TEST_CASE("without a free descriptor the server waits, and serves when there is one again") {
  ServerFixture fixture;
  RawClient client(*fixture.reactor, fixture.endpoint);
  client.send(request_text);
  rlimit before{};
  REQUIRE(getrlimit(RLIMIT_NOFILE, &before) == 0);
  rlimit tight = before;
  tight.rlim_cur = 3;
  REQUIRE(setrlimit(RLIMIT_NOFILE, &tight) == 0);
  fixture.reactor->run_until(
      [&] {
        fixture.reactor->skip_wait();
        return fixture.server->counters().accept_failures > 0;
      },
      patience);
  REQUIRE(setrlimit(RLIMIT_NOFILE, &before) == 0);
  CHECK(fixture.server->counters().accept_failures > 0);
  CHECK(client.read_until("|").ends_with("GET /x  |"));
}

TEST_CASE("hundreds of connections at once are served, and none is left behind") {
  const uint32_t descriptors_before = open_descriptor_count();
  {
    ServerFixture fixture({.connections_max = 300});
    std::vector<std::unique_ptr<RawClient>> clients;
    for (int count = 0; count < 300; ++count) {
      clients.push_back(std::make_unique<RawClient>(*fixture.reactor, fixture.endpoint));
      clients.back()->send(request_text);
    }
    for (const auto& client : clients) {
      CHECK(client->read_until("|").ends_with("GET /x  |"));
    }
    CHECK(fixture.server->connection_count() == 300);
    CHECK(fixture.handler.requests == 300);
  }
  CHECK(open_descriptor_count() == descriptors_before);
}

TEST_CASE("a server goes at any time, also amid requests and answers") {
  const uint32_t descriptors_before = open_descriptor_count();
  {
    ServerFixture fixture;
    RawClient idle(*fixture.reactor, fixture.endpoint);
    RawClient half(*fixture.reactor, fixture.endpoint);
    half.send("GET /half HT");
    RawClient slow(*fixture.reactor, fixture.endpoint);
    slow.send("GET /large HTTP/1.1\r\nHost: x\r\n\r\n");
    for (int turn = 0; turn < 20; ++turn) {
      slow.turn();
    }
    fixture.server.reset();
    CHECK(fixture.reactor->operations_in_flight() == 0);
    CHECK(half.read_to_end().empty());
  }
  CHECK(open_descriptor_count() == descriptors_before);
}
