// Requests whose answer comes later, whose connection the handler takes over, or whose body is
// large.
#include "engine/io/turn_hook.h"
#include "support.h"

using namespace murder;
using namespace murder::http;

namespace {

// Keeps tickets, takes sockets over, and lets whoever writes to /large send 1 MiB.
class PatientHandler final : public Handler {
 public:
  Response handle(const Request& request, Instant) override {
    bodies.push_back(request.body.size());
    if (request.path == "/later") {
      tickets.push_back(request.ticket);
      return {.later = true};
    }
    if (request.path == "/upgrade") {
      return {.takes_over = request.upgrade == "other/1"};
    }
    return {.body = std::string(request.path) + "|"};
  }
  LargeBody admit_large_body(const Request& head) override {
    ++heads;
    if (head.path == "/large") {
      return {.bytes_max = 1024 * 1024};
    }
    return {.bytes_max = 0, .refusal = Response{.status = 403, .body = "not you|"}};
  }
  void take_over(TakenSocket socket, const Request& request,
                 std::span<const uint8_t> early) override {
    taken = std::move(socket.fd);
    CHECK(request.upgrade == "other/1");
    early_bytes = std::string(reinterpret_cast<const char*>(early.data()), early.size());
  }

  std::vector<uint64_t> tickets;
  std::vector<size_t> bodies;
  int heads = 0;
  Fd taken;
  std::string early_bytes;
};

struct PatientFixture {
  explicit PatientFixture(const ServerOptions& options = {}) {
    auto made = Server::create(*reactor, handler, options);
    REQUIRE(made);
    server = std::move(*made);
    auto fd = io::listen_tcp({*IpAddress::parse("127.0.0.1"), 0}, {});
    REQUIRE(fd);
    endpoint = *io::local_endpoint(fd->get());
    server->serve(fd->release());
  }
  template <typename Done>
  void run_until(Done&& done) {
    REQUIRE(reactor->run_until(
        [&] {
          reactor->skip_wait();
          return done();
        },
        patience));
  }

  std::unique_ptr<io::Reactor> reactor = make_reactor();
  PatientHandler handler;
  std::unique_ptr<Server> server;
  Endpoint endpoint;
};

// Answers what came in a turn before the turn ends: what is to be sent before is in flight.
struct AnswersAtTurnEnd {
  explicit AnswersAtTurnEnd(PatientFixture& answering) : fixture(answering) {
    fixture.reactor->add_turn_hook(hook);
  }
  void answer(io::TurnHook&) {
    while (count < fixture.handler.tickets.size()) {
      const uint64_t ticket = fixture.handler.tickets[count++];
      // Long enough to move what is being sent elsewhere.
      fixture.server->answer(
          ticket, {.body = std::string(100'000, 'b') + "late " + std::to_string(count) + "|"});
    }
  }

  PatientFixture& fixture;
  size_t count = 0;
  io::TurnHook hook{callback<&AnswersAtTurnEnd::answer>(this)};
};

constexpr std::string_view later_request = "GET /later HTTP/1.1\r\nHost: x\r\n\r\n";
constexpr std::string_view upgrade_request =
    "GET /upgrade HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: other/1\r\n\r\n";

std::string put_request(size_t body_bytes, std::string_view path) {
  return "PUT " + std::string(path) +
         " HTTP/1.1\r\nHost: x\r\nContent-Length: " + std::to_string(body_bytes) + "\r\n\r\n";
}

}  // namespace

TEST_CASE("an answer may come later, and what was asked after it is answered after it") {
  PatientFixture fixture;
  RawClient client(*fixture.reactor, fixture.endpoint);
  client.send(std::string(later_request) + "GET /next HTTP/1.1\r\nHost: x\r\n\r\n");
  fixture.run_until([&] { return fixture.handler.tickets.size() == 1; });
  client.turn();
  CHECK(fixture.handler.bodies.size() == 1);
  fixture.server->answer(fixture.handler.tickets[0], {.status = 409, .body = "late|"});
  const std::string got = client.read_until("/next|");
  CHECK(got.starts_with("HTTP/1.1 409 "));
  CHECK(got.find("late|") < got.find("HTTP/1.1 200 OK"));
}

TEST_CASE("a late answer waits for those before it that are still being sent") {
  PatientFixture fixture;
  AnswersAtTurnEnd answers(fixture);
  RawClient client(*fixture.reactor, fixture.endpoint);
  client.send("GET /first HTTP/1.1\r\nHost: x\r\n\r\n" + std::string(later_request) +
              std::string(later_request) + "GET /last HTTP/1.1\r\nHost: x\r\n\r\n");
  const std::string got = client.read_until("/last|");
  CHECK(answers.count == 2);
  CHECK(got.starts_with("HTTP/1.1 200 OK"));
  CHECK(got.find("/first|") < got.find("late 1|"));
  CHECK(got.find("late 1|") < got.find("late 2|"));
  CHECK(got.size() == got.find("/last|") + 6);
}

TEST_CASE("a second answer, and one to a client that has gone, are ignored") {
  PatientFixture fixture;
  uint64_t ticket = 0;
  {
    RawClient client(*fixture.reactor, fixture.endpoint);
    client.send(later_request);
    fixture.run_until([&] { return fixture.handler.tickets.size() == 1; });
    ticket = fixture.handler.tickets[0];
    fixture.server->answer(ticket, {.body = "once|", .close = true});
    fixture.server->answer(ticket, {.body = "twice|"});
    CHECK(client.read_to_end().ends_with("once|"));
  }
  fixture.run_until([&] { return fixture.server->connection_count() == 0; });
  fixture.server->answer(ticket, {.body = "thrice|"});
  RawClient client(*fixture.reactor, fixture.endpoint);  // the same place, another time
  client.send(later_request);
  fixture.run_until([&] { return fixture.handler.tickets.size() == 2; });
  fixture.server->answer(ticket, {.body = "wrong|"});
  fixture.server->answer(fixture.handler.tickets[1], {.body = "right|"});
  CHECK(client.read_until("|").ends_with("right|"));
}

TEST_CASE("an answer that never comes ends the connection after its time") {
  PatientFixture fixture({.answer_timeout = std::chrono::milliseconds(30)});
  RawClient client(*fixture.reactor, fixture.endpoint);
  client.send(later_request);
  CHECK(client.read_to_end().empty());
  CHECK(fixture.server->counters().timeouts == 1);
}

TEST_CASE("a connection is taken over with what came behind the request, and keeps its place") {
  PatientFixture fixture({.connections_max = 1});
  RawClient client(*fixture.reactor, fixture.endpoint);
  client.send(std::string(upgrade_request) + "early");
  fixture.run_until([&] { return fixture.handler.taken.is_open(); });
  CHECK(fixture.handler.early_bytes == "early");
  CHECK(fixture.server->connection_count() == 0);
  REQUIRE(::send(fixture.handler.taken.get(), "own|", 4, MSG_NOSIGNAL) == 4);
  CHECK(client.read_until("|") == "own|");
  RawClient second(*fixture.reactor, fixture.endpoint);
  second.send("GET /second HTTP/1.1\r\nHost: x\r\n\r\n");
  for (int turn = 0; turn < 20; ++turn) {
    second.turn();
  }
  CHECK(fixture.server->connection_count() == 0);
  fixture.handler.taken.reset();
  fixture.server->give_place_back();
  CHECK(second.read_until("|").ends_with("/second|"));
}

TEST_CASE("a large body is admitted or refused by its head") {
  PatientFixture fixture({.body_bytes_max = 1000});
  RawClient small(*fixture.reactor, fixture.endpoint);
  small.send(put_request(1000, "/other") + std::string(1000, 'b'));
  CHECK(small.read_until("|").ends_with("/other|"));
  CHECK(fixture.handler.heads == 0);
  RawClient large(*fixture.reactor, fixture.endpoint);
  large.send(put_request(300'000, "/large") + std::string(300'000, 'b'));
  CHECK(large.read_until("|").ends_with("/large|"));
  CHECK(fixture.handler.bodies.back() == 300'000);
  RawClient too_large(*fixture.reactor, fixture.endpoint);
  too_large.send(put_request(1024 * 1024 + 1, "/large"));
  CHECK(too_large.read_to_end().starts_with("HTTP/1.1 413 "));
  RawClient refused(*fixture.reactor, fixture.endpoint);
  refused.send(put_request(300'000, "/other"));
  const std::string answer = refused.read_to_end();
  CHECK(answer.starts_with("HTTP/1.1 403 "));
  CHECK(answer.ends_with("not you|"));
  CHECK(fixture.handler.bodies.size() == 2);
}
