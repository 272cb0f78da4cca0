// Sources that bring too little, takers that say nothing, links that say too much.
#include <doctest/doctest.h>

#include "recorder.h"

using murder::BlockRange;
using murder::PieceIndex;
using murder::codec::GrantKind;
using murder::codec::MessageType;
using murder::swarm::CloseReason;
using murder::swarm::SessionId;
using murder::test::Bench;
using namespace std::chrono_literals;

namespace {

std::vector<BlockRange> requests_to(const Bench& bench, SessionId id) {
  return bench.sink.said(id, MessageType::request);
}

}  // namespace

TEST_CASE("a source that sends a byte now and then loses its slot, its piece and its connection") {
  Bench bench(false, 64);
  const SessionId drip = bench.join_own_seed();
  const SessionId good = bench.join_own_seed();
  bench.say_grant(drip, GrantKind::grant, 7);
  REQUIRE_FALSE(requests_to(bench, drip).empty());
  static_cast<void>(bench.swarm().payload_begin(drip, requests_to(bench, drip).at(0), bench.now));
  for (int tick = 0; tick < 8 && bench.sink.closed.empty(); ++tick) {
    bench.swarm().bytes_received(drip, 1, bench.now);
    bench.run(100ms);
    bench.disarm_all();
  }
  CHECK(bench.sink.has_closed(drip, CloseReason::too_slow));
  bench.swarm().closed(drip, bench.now);
  bench.check();
  bench.say_grant(good, GrantKind::grant, 7);
  CHECK(requests_to(bench, good).at(0).piece == PieceIndex{7});
  CHECK(bench.broken == "");
}

TEST_CASE("the only source of a piece is waited for, however slow it is") {
  Bench bench(false, 64);
  const SessionId drip = bench.join_own_seed();
  bench.say_grant(drip, GrantKind::grant, 7);
  static_cast<void>(bench.swarm().payload_begin(drip, requests_to(bench, drip).at(0), bench.now));
  bench.run(10s);
  CHECK(bench.sink.closed.empty());
  CHECK(bench.broken == "");
}

TEST_CASE("one that never says HAVE is given one piece, while others lack something") {
  Bench bench(true, 64);
  static_cast<void>(bench.join_own(false));
  const SessionId taker = bench.join_own(true);
  for (int round = 0; round < 20; ++round) {
    const auto said = bench.sink.said_grants(taker);
    const uint32_t named = said.empty() ? 0 : said.back().value;
    const uint32_t piece = named == murder::codec::any_piece ? 9 : named;
    bench.say(taker, MessageType::request, {PieceIndex{piece}, 0, 65536});
    if (bench.swarm().session(taker)->sending_bytes > 0) {
      bench.swarm().block_sent(taker, 65536, bench.now);
    }
    bench.say_grant(taker, GrantKind::ending, piece);
    bench.say_grant(taker, GrantKind::free, 1000);
    bench.run(100ms);
  }
  CHECK(bench.sink.count_grants(taker, GrantKind::grant) == 1);
  bench.say(taker, {.type = MessageType::have, .piece = {0}});
  CHECK(bench.sink.count_grants(taker, GrantKind::grant) > 1);
  CHECK(bench.broken == "");
}

TEST_CASE("a link that sends more messages than anybody needs is closed") {
  Bench bench(true, 64);
  const SessionId loud = bench.join_own(false);
  for (uint32_t count = 0; count < 3 * murder::limits::messages_at_once_max; ++count) {
    bench.swarm().received(loud, {.type = MessageType::not_interested}, bench.now);
  }
  CHECK(bench.sink.has_closed(loud, CloseReason::message_flood));
  bench.check();
  CHECK(bench.broken == "");
}

TEST_CASE("half of what a link may send a second, for a minute, closes nothing") {
  Bench bench(true, 64);
  const SessionId chatty = bench.join_own(false);
  for (int tick = 0; tick < 600; ++tick) {
    for (uint32_t count = 0; count < murder::limits::messages_per_second_max / 20; ++count) {
      bench.swarm().received(chatty, {.type = MessageType::not_interested}, bench.now);
    }
    bench.run(100ms);
  }
  CHECK(bench.sink.closed.empty());
}

TEST_CASE("when all places are taken by connections that do nothing, newcomers still come in") {
  Bench bench(true);
  for (uint32_t count = 0; count < murder::limits::connections_max; ++count) {
    static_cast<void>(bench.join());
  }
  bench.run(300ms);
  uint32_t let_in = 0;
  for (uint8_t count = 0; count < 50; ++count) {
    const SessionId id = bench.swarm().accept(
        {murder::IpAddress::from_v4(std::array<uint8_t, 4>{10, 1, 0, count}), 1}, bench.now);
    let_in += id.is_none() ? 0 : 1;
    for (const auto& closed : std::exchange(bench.sink.closed, {})) {
      CHECK(closed.reason == CloseReason::too_many);
      bench.swarm().closed(closed.session, bench.now);
    }
    bench.check();
  }
  CHECK(let_in >= 49);
  CHECK(bench.broken == "");
}
