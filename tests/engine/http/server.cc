#include "engine/http/server.h"

#include "../io/listen_unix.h"
#include "support.h"

using namespace murder;
using namespace murder::http;

namespace {

size_t count_of(std::string_view text, std::string_view part) {
  size_t count = 0;
  for (size_t at = text.find(part); at != std::string_view::npos; at = text.find(part, at + 1)) {
    ++count;
  }
  return count;
}

}  // namespace

TEST_CASE("a request is answered, and the connection serves the next one") {
  ServerFixture fixture;
  RawClient client(*fixture.reactor, fixture.endpoint);
  client.send("GET /announce?info_hash=%aa&port=1 HTTP/1.1\r\nHost: x\r\n\r\n");
  const std::string first = client.read_until("|");
  CHECK(first.starts_with("HTTP/1.1 200 OK\r\n"));
  CHECK(first.ends_with("\r\n\r\nGET /announce info_hash=%aa&port=1 |"));
  client.send("POST /stop-it HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc");
  CHECK(client.read_until("|").ends_with("POST /stop-it  abc|"));
  CHECK(fixture.server->connection_count() == 1);
  CHECK(fixture.handler.remote.address.text() == "127.0.0.1");
  CHECK_FALSE(fixture.handler.is_local_socket);
}

TEST_CASE("a request cut at any byte is answered once, when its last byte is there") {
  const std::string request =
      "POST /a?b=c HTTP/1.1\r\nHost: host\r\nContent-Length: 5\r\n\r\nhello";
  ServerFixture fixture;
  for (size_t cut = 1; cut < request.size(); ++cut) {
    RawClient client(*fixture.reactor, fixture.endpoint);
    client.send(std::string_view(request).substr(0, cut));
    client.turn();
    client.turn();
    const int before = fixture.handler.requests;
    client.send(std::string_view(request).substr(cut));
    CHECK(client.read_until("|").ends_with("POST /a b=c hello|"));
    CHECK(fixture.handler.requests == before + 1);
  }
}

TEST_CASE("a request byte by byte is answered") {
  ServerFixture fixture;
  RawClient client(*fixture.reactor, fixture.endpoint);
  for (const char byte : std::string("GET /slow HTTP/1.1\r\nHost: x\r\nA: b\r\n\r\n")) {
    client.send(std::string_view(&byte, 1));
    client.turn();
  }
  CHECK(client.read_until("|").ends_with("GET /slow  |"));
}

TEST_CASE("pipelined requests are answered in order, however they are cut") {
  std::string requests;
  for (int index = 0; index < 1000; ++index) {
    requests += "GET /" + std::to_string(index) + " HTTP/1.1\r\nHost: x\r\n\r\n";
  }
  ServerFixture fixture;
  RawClient client(*fixture.reactor, fixture.endpoint);
  client.send(requests);
  const std::string answers = client.read_until("GET /999  |");
  CHECK(count_of(answers, "HTTP/1.1 200 OK") == 1000);
  size_t at = 0;
  for (int index = 0; index < 1000; ++index) {
    at = answers.find("GET /" + std::to_string(index) + "  |", at);
    REQUIRE(at != std::string::npos);
  }
}

TEST_CASE("pipelined requests whose answers are large are all answered, the last one too") {
  ServerFixture fixture;
  RawClient client(*fixture.reactor, fixture.endpoint);
  std::string requests;
  for (int count = 0; count < 10; ++count) {
    requests += "GET /medium HTTP/1.1\r\nHost: x\r\n\r\n";
  }
  client.send(requests + "GET /last HTTP/1.1\r\nHost: x\r\n\r\n");
  CHECK(count_of(client.read_until("GET /last  |"), "mm|") == 10);
}

TEST_CASE("a refused client may finish what it sends, so that it gets to see why") {
  ServerFixture fixture({.body_bytes_max = 10});
  RawClient client(*fixture.reactor, fixture.endpoint);
  client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 20000\r\n\r\n");
  CHECK(client.read_to_end().starts_with("HTTP/1.1 413 "));
  client.send(std::string(20'000, 'x'));
  client.turn();
  CHECK(fixture.server->connection_count() == 1);
  client.shut_down_writing();
  fixture.run_until([&] { return fixture.server->connection_count() == 0; });
  CHECK(fixture.server->counters().timeouts == 0);
}

TEST_CASE("HEAD gets the head of a GET and no body") {
  ServerFixture fixture;
  RawClient client(*fixture.reactor, fixture.endpoint);
  client.send("HEAD /x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  const std::string answer = client.read_to_end();
  CHECK(answer.find("Content-Length: 10\r\n") != std::string::npos);
  CHECK(answer.ends_with("\r\n\r\n"));
}

TEST_CASE("the connection of HTTP/1.0 and of Connection: close ends after the answer") {
  ServerFixture fixture;
  RawClient old(*fixture.reactor, fixture.endpoint);
  old.send("GET /old HTTP/1.0\r\n\r\n");
  CHECK(old.read_to_end().ends_with("GET /old  |"));
  RawClient closing(*fixture.reactor, fixture.endpoint);
  closing.send("GET /c HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\nGET /d HTTP/1.1\r\n\r\n");
  const std::string answer = closing.read_to_end();
  CHECK(answer.ends_with("GET /c  |"));
  CHECK(answer.find("Connection: close\r\n") != std::string::npos);
  fixture.run_until([&] { return fixture.server->connection_count() == 0; });
}

TEST_CASE("a client that closes its side after the request still gets the answer") {
  ServerFixture fixture;
  RawClient client(*fixture.reactor, fixture.endpoint);
  client.send("GET /half HTTP/1.1\r\nHost: x\r\n\r\n");
  client.shut_down_writing();
  CHECK(client.read_to_end().ends_with("GET /half  |"));
}

TEST_CASE("what is not HTTP gets 400 and the connection ends, and the server goes on") {
  ServerFixture fixture;
  for (const std::string& garbage :
       {std::string("\x13"
                    "BitTorrent protocol and then more\r\n\r\n"),
        std::string("GET\r\n\r\n"), std::string("GET / HTTP/1.1\r\nno colon\r\n\r\n"),
        std::string(64, '\0') + "\r\n\r\n",
        std::string("GET / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n"),
        std::string(
            "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n")}) {
    RawClient client(*fixture.reactor, fixture.endpoint);
    client.send(garbage);
    CHECK(client.read_to_end().starts_with("HTTP/1.1 400 "));
  }
  CHECK(fixture.server->counters().bad_requests == 6);
  CHECK(fixture.handler.requests == 0);
  RawClient client(*fixture.reactor, fixture.endpoint);
  client.send("GET /fine HTTP/1.1\r\nHost: x\r\n\r\n");
  CHECK(client.read_until("|").ends_with("GET /fine  |"));
}

TEST_CASE("a head over the bound gets 431, also when it never ends") {
  ServerFixture fixture;
  RawClient client(*fixture.reactor, fixture.endpoint);
  client.send("GET / HTTP/1.1\r\nX: ");
  client.send(std::string(100'000, 'a'));
  CHECK(client.read_to_end().starts_with("HTTP/1.1 431 "));
}

TEST_CASE("a body over the bound gets 413 before it is sent") {
  ServerFixture fixture({.body_bytes_max = 10});
  RawClient client(*fixture.reactor, fixture.endpoint);
  client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 11\r\n\r\n");
  CHECK(client.read_to_end().starts_with("HTTP/1.1 413 "));
  RawClient fits(*fixture.reactor, fixture.endpoint);
  fits.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n0123456789");
  CHECK(fits.read_until("|").ends_with("0123456789|"));
}

TEST_CASE("a chunked body gets 411, another method 405") {
  ServerFixture fixture;
  RawClient chunked(*fixture.reactor, fixture.endpoint);
  chunked.send("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n");
  CHECK(chunked.read_to_end().starts_with("HTTP/1.1 411 "));
  RawClient other(*fixture.reactor, fixture.endpoint);
  other.send("DELETE / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  const std::string answer = other.read_to_end();
  CHECK(answer.starts_with("HTTP/1.1 405 "));
  CHECK(answer.find("Allow: GET, HEAD, POST, PUT\r\n") != std::string::npos);
}

TEST_CASE("a unix socket is served beside the TCP one and known as local") {
  ServerFixture fixture;
  char pattern[] = "/tmp/murder-test-XXXXXX";
  REQUIRE(mkdtemp(pattern) != nullptr);
  const std::string path = std::string(pattern) + "/control";
  fixture.server->serve(io::listen_unix(path).release());
  RawClient client(*fixture.reactor, path);
  client.send("GET /status HTTP/1.1\r\nHost: local\r\n\r\n");
  CHECK(client.read_until("|").ends_with("GET /status  |"));
  CHECK(fixture.handler.is_local_socket);
  unlink(path.c_str());
  rmdir(pattern);
}

TEST_CASE("a handler that stops its server is heard to the end") {
  ServerFixture fixture;
  RawClient idle(*fixture.reactor, fixture.endpoint);
  RawClient client(*fixture.reactor, fixture.endpoint);
  client.send("POST /stop HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n");
  CHECK(client.read_to_end().ends_with("stopping"));
  CHECK(idle.read_to_end().empty());
  fixture.run_until([&] { return fixture.server->stopped(); });
  CHECK(fixture.server->connection_count() == 0);
}
