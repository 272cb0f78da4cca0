// The blocks that sessions were asked for, alone.
#include "engine/swarm/block_requests.h"

#include <doctest/doctest.h>

#include "part_bench.h"

using murder::BlockRange;
using murder::BufferIndex;
using murder::PieceIndex;
using murder::codec::MessageType;
using murder::swarm::ActivePiece;
using murder::swarm::BlockRequests;
using murder::swarm::PayloadPlace;
using murder::swarm::Session;
using murder::swarm::SessionId;
using murder::test::PartBench;
using namespace std::chrono_literals;

namespace {

constexpr uint32_t asked_block_bytes = 16384;

struct RequestsBench : PartBench {
  RequestsBench()
      : id(open(1)), buffer(context.active.start({3}, id, false, now)), active(context.active) {
    session(id).pieces.set_all();
  }

  void ask(uint32_t count) {
    for (uint32_t number = 0; number < count; ++number) {
      requests.ask(id, session(id), buffer, asked_block_bytes, now);
    }
  }
  static BlockRange block(uint32_t number) {
    return {PieceIndex{3}, number * asked_block_bytes, asked_block_bytes};
  }

  SessionId id;
  BufferIndex buffer;
  murder::swarm::ActivePieces& active;
  BlockRequests requests{context};
};

}  // namespace

TEST_CASE("a block goes from missing to requested to received, and its payload to its place") {
  RequestsBench bench;
  bench.ask(4);
  CHECK(bench.sink.said(bench.id, MessageType::request).size() == 4);
  CHECK(bench.active.at(bench.buffer).missing_count == 0);
  CHECK(bench.requests.check() == "");
  Session& session = bench.session(bench.id);
  for (uint32_t number = 0; number < 4; ++number) {
    const auto place = bench.requests.begin(session, RequestsBench::block(number), bench.now);
    REQUIRE(place);
    CHECK(place->wanted);
    CHECK(place->buffer == bench.buffer);
    CHECK(place->offset == number * asked_block_bytes);
    CHECK(bench.requests.check() == "");
    CHECK(bench.requests.end(bench.id, session, bench.now) == bench.buffer);
  }
  CHECK(session.requested_bytes == 0);
  CHECK(session.downloaded_bytes == 4 * asked_block_bytes);
  CHECK(bench.context.stats.downloaded_bytes == 4 * asked_block_bytes);
}

TEST_CASE("what is taken back stays requested until the transport is disarmed") {
  RequestsBench bench;
  bench.ask(2);
  Session& session = bench.session(bench.id);
  bench.requests.revoke_all(bench.id, session, true);
  CHECK(bench.sink.said(bench.id, MessageType::cancel).size() == 2);
  CHECK(bench.sink.disarming == std::vector<SessionId>{bench.id});
  CHECK(bench.active.at(bench.buffer).requested_count == 2);
  CHECK(bench.requests.check() == "");
  SUBCASE("disarmed") {
    bench.requests.disarmed(session);
    CHECK(!session.disarming);
    CHECK(bench.active.at(bench.buffer).requested_count == 0);
  }
  SUBCASE("it comes all the same, and is welcome") {
    const auto place = bench.requests.begin(session, RequestsBench::block(1), bench.now);
    REQUIRE(place);
    CHECK(place->wanted);
    CHECK(bench.requests.end(bench.id, session, bench.now) == bench.buffer);
    CHECK(bench.active.at(bench.buffer).received_count() == 1);
  }
  CHECK(bench.requests.check() == "");
}

TEST_CASE("a piece that was given up keeps its buffer until no request names a place in it") {
  RequestsBench bench;
  bench.ask(1);
  Session& session = bench.session(bench.id);
  bench.active.at(bench.buffer).state = ActivePiece::State::draining;
  bench.requests.revoke_buffer(bench.buffer);
  CHECK(bench.active.idle_count() == 3);
  const auto place = bench.requests.begin(session, RequestsBench::block(0), bench.now);
  REQUIRE(place);
  CHECK(!place->wanted);
  bench.requests.disarmed(session);
  CHECK(bench.active.idle_count() == 4);
  CHECK(bench.requests.check() == "");
}

TEST_CASE("a rejected request is free for others when the transport is disarmed") {
  RequestsBench bench;
  bench.ask(1);
  Session& session = bench.session(bench.id);
  CHECK(!bench.requests.rejected(bench.id, session, RequestsBench::block(1), bench.now));
  CHECK(bench.requests.rejected(bench.id, session, RequestsBench::block(0), bench.now));
  CHECK(session.asks_again_at > bench.now);
  CHECK(session.requested_bytes == 0);
  bench.requests.disarmed(session);
  CHECK(bench.active.at(bench.buffer).missing_count == 4);
}

TEST_CASE("a block that comes although it was rejected is welcome, and no more than that") {
  RequestsBench bench;
  bench.ask(1);
  Session& session = bench.session(bench.id);
  CHECK(bench.requests.rejected(bench.id, session, RequestsBench::block(0), bench.now));
  const auto place = bench.requests.begin(session, RequestsBench::block(0), bench.now);
  REQUIRE(place);
  CHECK(place->wanted);
  CHECK(session.cancelled_bytes == 0);
  CHECK(bench.requests.end(bench.id, session, bench.now) == bench.buffer);
  CHECK(bench.requests.check() == "");
  // What nobody asked for is still counted.
  static_cast<void>(bench.requests.begin(session, RequestsBench::block(0), bench.now));
  CHECK(session.wasted_bytes == asked_block_bytes);
}

TEST_CASE("payload that nobody asked for has no place, and more than the bound is told") {
  RequestsBench bench;
  Session& session = bench.session(bench.id);
  const uint32_t count = murder::limits::unrequested_bytes_max / asked_block_bytes;
  for (uint32_t number = 0; number < count; ++number) {
    const auto place = bench.requests.begin(session, RequestsBench::block(0), bench.now);
    REQUIRE(place);
    CHECK(!place->wanted);
  }
  CHECK(!bench.requests.begin(session, RequestsBench::block(0), bench.now));
  CHECK(bench.context.stats.wasted_bytes == uint64_t{count + 1} * asked_block_bytes);
}

TEST_CASE("the window grows while answers come as soon as the quickest, and shrinks while not") {
  RequestsBench bench;
  Session& session = bench.session(bench.id);
  session.block_bytes = 2 * asked_block_bytes;
  session.window_bytes = 1024 * 1024;
  bench.ask(2);
  bench.now += 1ms;
  static_cast<void>(bench.requests.begin(session, RequestsBench::block(0), bench.now));
  static_cast<void>(bench.requests.end(bench.id, session, bench.now));
  CHECK(bench.requests.window(session) == 1024 * 1024 + 2 * asked_block_bytes);
  bench.now += 100ms;
  static_cast<void>(bench.requests.begin(session, RequestsBench::block(1), bench.now));
  CHECK(bench.requests.window(session) == 1024 * 1024 + asked_block_bytes);
  session.snubbed = true;
  CHECK(bench.requests.window(session) == 2 * asked_block_bytes);  // a block at a time
}

TEST_CASE("check notices a unit that no request names, and bytes that no request adds up to") {
  RequestsBench bench;
  bench.ask(1);
  bench.session(bench.id).requested_bytes += 1;
  CHECK(bench.requests.check() == "requested_bytes is not the sum of the requests");
  bench.session(bench.id).requested_bytes -= 1 + asked_block_bytes;
  bench.session(bench.id).requested.clear();
  CHECK(bench.requests.check() ==
        "a unit is not named by exactly one request when it is requested, else by none");
}
