// What peers say of themselves: their peer id, which may be that of another, and where they listen.
#include <doctest/doctest.h>

#include <algorithm>

#include "engine/swarm/bounds.h"
#include "recorder.h"

using murder::Endpoint;
using murder::IpAddress;
using murder::codec::MessageType;
using murder::swarm::CloseReason;
using murder::swarm::Session;
using murder::swarm::SessionId;
using murder::test::Bench;
using namespace std::chrono_literals;

namespace {

Endpoint at(uint8_t host, uint16_t port) {
  return {IpAddress::from_v4(std::array<uint8_t, 4>{10, 0, 0, host}), port};
}

murder::codec::Handshake handshake_of(uint8_t number) {
  murder::codec::Handshake handshake{.fast_extension = true};
  handshake.peer_id.bytes[0] = number;
  return handshake;
}

bool is_open(Bench& bench, SessionId id) {
  const Session* session = bench.swarm().session(id);
  return session != nullptr && session->state == Session::State::open;
}

// The swarm dials the endpoint, and who listens there says that it is this one.
SessionId dial(Bench& bench, const Endpoint& endpoint, uint8_t number) {
  bench.sink.dialed.clear();
  bench.swarm().add_candidates(std::span(&endpoint, 1), bench.now);
  for (int second = 0; second < 60 && bench.sink.dialed.empty(); ++second) {
    bench.run(1s);
  }
  REQUIRE(bench.sink.dialed.size() == 1);
  const SessionId id = bench.sink.dialed[0];
  bench.swarm().dialed(id, bench.now);
  bench.swarm().received(id, handshake_of(number), bench.now);
  bench.check();
  return id;
}

void send_wrong_piece(Bench& bench, SessionId id) {
  for (uint32_t count = 0; count < 4; ++count) {
    bench.deliver(id, bench.sink.said(id, MessageType::request).at(count));
  }
  REQUIRE(bench.sink.verifying.size() == 1);
  bench.swarm().piece_verified(bench.sink.verifying[0].buffer, false, bench.now);
  bench.sink.verifying.clear();
  CHECK(bench.sink.has_closed(id, CloseReason::wrong_data));
  bench.swarm().closed(id, bench.now);
  bench.check();
}

}  // namespace

TEST_CASE("who sent wrong data is not let in again, but who shares its peer id is") {
  Bench bench(false, 1);
  const SessionId thief = bench.join_seed();  // 10.0.0.1, as number 1
  send_wrong_piece(bench, thief);
  const SessionId again = bench.swarm().accept(at(1, 50001), bench.now);
  bench.swarm().received(again, handshake_of(1), bench.now);
  CHECK(bench.sink.has_closed(again, CloseReason::barred));
  bench.swarm().closed(again, bench.now);
  CHECK(is_open(bench, dial(bench, at(9, 6881), 1)));
  CHECK(bench.broken == "");
}

TEST_CASE("an endpoint is not barred for what was sent from another address under its peer id") {
  Bench bench(false, 1);
  const SessionId thief = bench.join_seed();
  bench.run(3s);
  const SessionId honest = dial(bench, at(9, 6881), 1);
  REQUIRE(is_open(bench, honest));
  send_wrong_piece(bench, thief);
  CHECK(is_open(bench, honest));
  bench.swarm().end(honest, CloseReason::remote_closed, bench.now);
  bench.swarm().closed(honest, bench.now);
  CHECK(is_open(bench, dial(bench, at(9, 6881), 1)));
  CHECK(bench.broken == "");
}

TEST_CASE("a peer id that somebody has taken keeps nobody at another address out") {
  for (const bool complete : {false, true}) {
    Bench bench(complete, 1);
    const SessionId thief = bench.join();  // 10.0.0.1, as number 1
    CHECK(is_open(bench, dial(bench, at(9, 6881), 1)));
    bench.run(3s);
    const SessionId came = bench.swarm().accept(at(8, 50000), bench.now);
    bench.swarm().received(came, handshake_of(1), bench.now);
    CHECK(is_open(bench, came));
    CHECK(is_open(bench, thief));
    CHECK(bench.broken == "");
  }
}

TEST_CASE("at one address, one that exchanged nothing for two seconds makes way") {
  Bench bench(false, 1);
  const SessionId thief = bench.join();  // 10.0.0.1, as number 1
  const SessionId early = bench.swarm().accept(at(1, 50001), bench.now);
  bench.swarm().received(early, handshake_of(1), bench.now);
  CHECK(bench.sink.has_closed(early, CloseReason::duplicate));
  bench.run(3s);
  const SessionId twin = bench.swarm().accept(at(1, 50002), bench.now);
  bench.swarm().received(twin, handshake_of(1), bench.now);
  CHECK(is_open(bench, twin));
  CHECK(bench.sink.has_closed(thief, CloseReason::duplicate));
  CHECK(bench.broken == "");
}

TEST_CASE("at one address, one that gave something stays") {
  Bench bench(false, 8);
  const SessionId useful = bench.join_seed();  // 10.0.0.1, as number 1
  for (uint32_t count = 0; count < 4; ++count) {
    bench.deliver(useful, bench.sink.said(useful, MessageType::request).at(count));
  }
  bench.store_all();
  bench.run(3s);
  const SessionId twin = bench.swarm().accept(at(1, 50002), bench.now);
  bench.swarm().received(twin, handshake_of(1), bench.now);
  CHECK(bench.sink.has_closed(twin, CloseReason::duplicate));
  CHECK(is_open(bench, useful));
  CHECK(bench.broken == "");
}

TEST_CASE("a connection tells of one place to dial, and leaves room for what a tracker tells") {
  Bench bench(false);
  const SessionId id = bench.join();
  for (uint16_t port = 1; port <= 3 * murder::limits::candidates_max; ++port) {
    const std::string handshake = murder::codec::encode_extension_handshake({.listen_port = port});
    bench.say(id, {.type = MessageType::extended, .payload = murder::as_bytes_of(handshake)});
  }
  CHECK(bench.swarm().session(id)->listens_on == at(1, 1));
  CHECK(is_open(bench, dial(bench, at(9, 6881), 9)));
  CHECK(bench.broken == "");
}

TEST_CASE("when there is little room, one that is of no use makes place for a newcomer") {
  Bench bench(true);
  const SessionId useful = bench.join();
  std::vector<SessionId> idle;
  while (bench.swarm().session_count() < murder::limits::connections_max) {
    idle.push_back(bench.join());
  }
  CHECK_FALSE(bench.swarm().session(bench.swarm().accept(at(254, 1), bench.now)) != nullptr);
  CHECK(bench.sink.closed.empty());  // they may have come to something
  bench.run(11s);
  const murder::BlockRange block{{0}, 0, 16384};
  bench.say(useful, {.type = MessageType::interested});
  bench.say(useful, MessageType::request, block);
  bench.swarm().block_sent(useful, block.size_bytes, bench.now);
  for (int count = 0; count < 20; ++count) {
    bench.sink.closed.clear();
    static_cast<void>(bench.swarm().accept(at(254, 1), bench.now));
    if (!bench.sink.closed.empty()) {
      CHECK(bench.sink.closed[0].session != useful);
      CHECK(bench.sink.closed[0].reason == CloseReason::too_many);
      bench.swarm().closed(bench.sink.closed[0].session, bench.now);
    }
    bench.check();
  }
  CHECK(is_open(bench, useful));
  const auto idle_count =
      std::count_if(idle.begin(), idle.end(), [&](SessionId id) { return is_open(bench, id); });
  CHECK(idle_count < 190);
  CHECK(idle_count >= 179);
  CHECK(bench.broken == "");
}
