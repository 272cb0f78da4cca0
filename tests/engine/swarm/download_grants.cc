// Granted pieces at the downloader: one swarm that has nothing, and peers of its own kind.
#include <doctest/doctest.h>

#include "engine/swarm/bounds.h"
#include "recorder.h"

using murder::BlockRange;
using murder::PieceIndex;
using murder::codec::any_piece;
using murder::codec::GrantKind;
using murder::codec::MessageType;
using murder::swarm::CloseReason;
using murder::swarm::SessionId;
using murder::test::Bench;
using namespace std::chrono_literals;
namespace limits = murder::limits;

namespace {

std::vector<BlockRange> asked_of(const Bench& bench, SessionId id) {
  return bench.sink.said(id, MessageType::request);
}

uint32_t said(const Bench& bench, SessionId id, GrantKind kind) {
  return bench.sink.count_grants(id, kind);
}

// Delivers what was asked of the session from the given request on.
void deliver_from(Bench& bench, SessionId id, size_t first) {
  const std::vector<BlockRange> asked = asked_of(bench, id);
  for (size_t position = first; position < asked.size(); ++position) {
    CHECK(bench.deliver(id, asked[position]).wanted);
  }
}

}  // namespace

TEST_CASE("a grant is taken by asking for all of one piece, its tail in a block of its own") {
  Bench bench(false);
  const SessionId id = bench.join_own_seed();
  CHECK(asked_of(bench, id).empty());
  bench.say_grant(id, GrantKind::grant);
  const std::vector<BlockRange> asked = asked_of(bench, id);
  REQUIRE(asked.size() == 2);
  CHECK(asked[0].piece == asked[1].piece);
  CHECK(asked[0].size_bytes == 3 * 16384);
  CHECK(asked[1].size_bytes == 16384);
  CHECK(said(bench, id, GrantKind::decline) == 0);
  CHECK(bench.broken == "");
}

TEST_CASE("who has a free slot tells those who have something for it, and once when it has none") {
  Bench bench(false);
  const SessionId source = bench.join_own_seed();
  const SessionId other = bench.join_own(false);
  const SessionId empty = bench.join_own(false);
  for (uint32_t piece = 0; piece < 4; ++piece) {
    bench.say(other, {.type = MessageType::have, .piece = {piece}});
  }
  // Both heard it in the extension handshake.
  CHECK(said(bench, other, GrantKind::free) == 0);
  bench.say_grant(source, GrantKind::grant);
  CHECK(said(bench, source, GrantKind::busy) == 1);
  CHECK(said(bench, other, GrantKind::busy) == 1);
  const std::vector<BlockRange> asked = asked_of(bench, source);
  bench.deliver(source, asked.at(0));
  // Only the tail is missing: the next one may be promised.
  CHECK(said(bench, source, GrantKind::ending) == 1);
  CHECK(said(bench, source, GrantKind::free) == 1);
  CHECK(said(bench, other, GrantKind::free) == 1);
  CHECK(said(bench, empty, GrantKind::busy) == 1);
  CHECK(said(bench, empty, GrantKind::free) == 0);
  bench.say(empty, {.type = MessageType::have, .piece = asked.at(0).piece});
  CHECK(said(bench, empty, GrantKind::free) == 0);  // that comes already
  const uint32_t unasked = asked.at(0).piece.raw == 3 ? 2 : 3;
  bench.say(empty, {.type = MessageType::have, .piece = {unasked}});
  CHECK(said(bench, empty, GrantKind::free) == 1);
  bench.deliver(source, asked.at(1));
  bench.store_all();
  CHECK(said(bench, source, GrantKind::ending) == 1);
  CHECK(said(bench, other, GrantKind::free) == 1);
  const SessionId late = bench.join_own(false);
  CHECK(said(bench, late, GrantKind::free) == 0);  // in the handshake
  bench.say_grant(source, GrantKind::grant);
  CHECK(said(bench, late, GrantKind::busy) == 1);
  CHECK(bench.broken == "");
}

TEST_CASE("a grant is declined when no slot is free, or the peer has nothing that is wanted") {
  Bench bench(false);
  const SessionId source = bench.join_own_seed();
  const SessionId poor = bench.join_own(false);
  bench.say_grant(poor, GrantKind::grant);
  CHECK(said(bench, poor, GrantKind::decline) == 1);
  // It has something now, and is told that a slot is free: it knows no better.
  bench.say(poor, {.type = MessageType::have, .piece = {3}});
  CHECK(said(bench, poor, GrantKind::free) == 1);
  bench.say_grant(source, GrantKind::grant);
  CHECK(asked_of(bench, source).size() == 2);
  bench.say_grant(poor, GrantKind::grant);
  CHECK(said(bench, poor, GrantKind::decline) == 2);
  CHECK(asked_of(bench, poor).empty());
  CHECK(bench.broken == "");
}

TEST_CASE("of the pieces a peer has, the rarest is taken; a named one if it is wanted") {
  Bench bench(false, 64);
  const SessionId source = bench.join_own_seed();
  const SessionId other = bench.join_own(false);
  for (uint32_t piece = 0; piece < 64; ++piece) {
    if (piece != 17) {
      bench.say(other, {.type = MessageType::have, .piece = {piece}});
    }
  }
  bench.say_grant(source, GrantKind::grant);
  CHECK(asked_of(bench, source).at(0).piece.raw == 17);
  bench.say_grant(source, GrantKind::grant, 30);  // one at a time, until one was right
  CHECK(said(bench, source, GrantKind::decline) == 1);
  CHECK(asked_of(bench, source).back().piece.raw == 17);
  deliver_from(bench, source, 0);
  bench.store_all();
  bench.say_grant(source, GrantKind::grant, 40);
  CHECK(asked_of(bench, source).back().piece.raw == 40);
  bench.say_grant(source, GrantKind::grant, 40);  // it comes already
  CHECK(said(bench, source, GrantKind::decline) == 2);
  // But another piece is welcome: the peer hears so.
  CHECK(bench.sink.said_grants(source).back().kind == GrantKind::free);
  bench.say_grant(source, GrantKind::grant, 64);
  CHECK(said(bench, source, GrantKind::decline) == 3);
  CHECK(bench.broken == "");
}

TEST_CASE("a peer that floods with grants is let go") {
  for (const uint32_t piece : {any_piece, uint32_t{99}}) {
    CAPTURE(piece);
    Bench bench(false);
    const SessionId id = bench.join_own(false);
    const SessionId source = bench.join_own_seed();
    for (uint32_t count = 0; count <= limits::grants_declined_since_payload_max; ++count) {
      bench.say_grant(id, GrantKind::grant, piece);
      bench.say_grant(source, GrantKind::grant, piece == any_piece ? 99 : any_piece);
    }
    CHECK(bench.sink.has_closed(id, CloseReason::grant_flood));
    CHECK(bench.sink.has_closed(source, CloseReason::grant_flood));
    CHECK(bench.sink.said_grants(id).size() < 2 * limits::grants_declined_since_payload_max + 10);
    CHECK(bench.broken == "");
  }
}

TEST_CASE("who gets a piece that a source left half done hears that it is welcome") {
  Bench bench(false);
  const SessionId source = bench.join_own_seed();
  const SessionId other = bench.join_own(false);
  bench.say_grant(source, GrantKind::grant);
  const std::vector<BlockRange> asked = asked_of(bench, source);
  bench.deliver(source, asked.at(0));
  bench.say_grant(source, GrantKind::grant);  // and a second one, so that no slot is free
  CHECK(said(bench, other, GrantKind::busy) == 1);
  bench.swarm().end(source, CloseReason::connection_lost, bench.now);
  bench.swarm().closed(source, bench.now);
  CHECK(said(bench, other, GrantKind::free) == 0);  // it has nothing
  bench.say(other, {.type = MessageType::have, .piece = asked.at(0).piece});
  CHECK(said(bench, other, GrantKind::free) == 1);
  bench.say_grant(other, GrantKind::grant);
  CHECK(asked_of(bench, other).at(0) == asked.at(1));
  CHECK(bench.broken == "");
}

TEST_CASE("what a source leaves half done is asked of the next that grants") {
  Bench bench(false);
  const SessionId first = bench.join_own_seed();
  const SessionId second = bench.join_own_seed();
  bench.say_grant(first, GrantKind::grant);
  const std::vector<BlockRange> asked = asked_of(bench, first);
  bench.deliver(first, asked.at(0));
  bench.swarm().end(first, CloseReason::connection_lost, bench.now);
  bench.swarm().closed(first, bench.now);
  bench.check();
  bench.say_grant(second, GrantKind::grant);
  REQUIRE(asked_of(bench, second).size() == 1);
  CHECK(asked_of(bench, second)[0] == asked.at(1));
  deliver_from(bench, second, 0);
  bench.store_all();
  CHECK(bench.swarm().have().count() == 1);
  CHECK(bench.swarm().stats().wasted_bytes == 0);
  CHECK(bench.broken == "");
}

TEST_CASE("a source that falls silent is given up when another is there, which takes over") {
  Bench bench(false);
  const SessionId silent = bench.join_own_seed();
  const SessionId other = bench.join_own_seed();
  bench.say_grant(silent, GrantKind::grant);
  bench.say_grant(other, GrantKind::grant);
  CHECK(said(bench, other, GrantKind::decline) == 1);  // one slot
  bench.run(1s);
  CHECK_FALSE(bench.sink.said(silent, MessageType::cancel).empty());
  CHECK(said(bench, other, GrantKind::free) >= 1);
  bench.disarm_all();
  bench.say_grant(other, GrantKind::grant);
  CHECK(asked_of(bench, other) == asked_of(bench, silent));
  CHECK(bench.broken == "");
}

TEST_CASE("near the end a late piece is fetched a second time, and the loser is cancelled") {
  Bench bench(false, 1);
  const SessionId slow = bench.join_own_seed();
  const SessionId fast = bench.join_own_seed();
  bench.say_grant(slow, GrantKind::grant);
  const std::vector<BlockRange> asked = asked_of(bench, slow);
  bench.say_grant(fast, GrantKind::grant);
  CHECK(asked_of(bench, fast).empty());
  // It sends, but little.
  for (int round = 0; round < 8; ++round) {
    bench.swarm().bytes_received(slow, 1, bench.now);
    bench.run(100ms);
  }
  static_cast<void>(bench.swarm().payload_begin(slow, asked.at(0), bench.now));
  bench.run(100ms);
  CHECK(said(bench, fast, GrantKind::free) >= 1);
  bench.say_grant(fast, GrantKind::grant);
  REQUIRE_FALSE(asked_of(bench, fast).empty());
  deliver_from(bench, fast, 0);
  bench.store_all();
  CHECK(bench.swarm().complete());
  CHECK_FALSE(bench.sink.said(slow, MessageType::cancel).empty());
  CHECK(bench.broken == "");
}

TEST_CASE("an answer that a piece is not to be had frees its slot") {
  Bench bench(false);
  const SessionId id = bench.join_own_seed();
  bench.say_grant(id, GrantKind::grant);
  const std::vector<BlockRange> asked = asked_of(bench, id);
  for (const BlockRange& one : asked) {
    bench.say(id, MessageType::reject_request, one);
  }
  bench.disarm_all();
  CHECK(said(bench, id, GrantKind::free) >= 1);
  bench.say_grant(id, GrantKind::grant);
  CHECK(asked_of(bench, id).size() == 2 * asked.size());
  CHECK(bench.broken == "");
}

// --- racks ---------------------------------------------------------------------------------------

TEST_CASE("what is fetched from outside is told to rack mates, and nothing they fetch is") {
  Bench bench(false, 64, "r1");
  const SessionId mate = bench.join_own(false, "r1");
  const SessionId outside = bench.join_own_seed("r2");
  bench.say_grant(mate, GrantKind::claim, 5);
  bench.say_grant(outside, GrantKind::grant, 5);
  CHECK(said(bench, outside, GrantKind::decline) == 1);
  bench.say_grant(outside, GrantKind::grant, 6);
  CHECK(asked_of(bench, outside).at(0).piece.raw == 6);
  REQUIRE(said(bench, mate, GrantKind::claim) == 1);
  CHECK(said(bench, outside, GrantKind::claim) == 0);
  // A mate that comes later hears of it as well.
  const SessionId late = bench.join_own(false, "r1");
  CHECK(said(bench, late, GrantKind::claim) == 1);
  deliver_from(bench, outside, 0);
  bench.store_all();
  bench.say_grant(mate, GrantKind::unclaim, 5);
  bench.say_grant(outside, GrantKind::grant, 5);
  CHECK(asked_of(bench, outside).back().piece.raw == 5);
  CHECK(bench.broken == "");
}

TEST_CASE("a claim is free when its source is lost here, or the mate that claimed is gone") {
  Bench bench(false, 64, "r1");
  const SessionId mate = bench.join_own(false, "r1");
  const SessionId outside = bench.join_own_seed("r2");
  const SessionId other = bench.join_own_seed("r2");
  bench.say_grant(outside, GrantKind::grant, 6);
  bench.swarm().end(outside, CloseReason::connection_lost, bench.now);
  bench.swarm().closed(outside, bench.now);
  CHECK(said(bench, mate, GrantKind::unclaim) == 1);
  bench.say_grant(mate, GrantKind::claim, 9);
  bench.say_grant(other, GrantKind::grant, 9);
  CHECK(said(bench, other, GrantKind::decline) == 1);
  bench.swarm().end(mate, CloseReason::connection_lost, bench.now);
  bench.swarm().closed(mate, bench.now);
  bench.check();
  bench.say_grant(other, GrantKind::grant, 9);
  CHECK(asked_of(bench, other).back().piece.raw == 9);
  CHECK(bench.broken == "");
}

TEST_CASE("a piece that a mate has is fetched in the rack") {
  Bench bench(false, 64, "r1");
  const SessionId mate = bench.join_own(false, "r1");
  const SessionId outside = bench.join_own_seed("r2");
  bench.say(mate, {.type = MessageType::have, .piece = {3}});
  bench.say_grant(outside, GrantKind::grant, 3);
  CHECK(asked_of(bench, outside).empty());
  bench.say_grant(mate, GrantKind::grant, 3);
  CHECK(asked_of(bench, mate).size() == 2);
  CHECK(said(bench, mate, GrantKind::claim) == 0);
  CHECK(bench.broken == "");
}

TEST_CASE("of two mates that fetch the same piece the one with the smaller peer id gives it up") {
  Bench bench(false, 64, "r1");  // its peer id is larger than those of its peers
  const SessionId mate = bench.join_own(false, "r1");
  const SessionId outside = bench.join_own_seed("r2");
  bench.say_grant(outside, GrantKind::grant, 6);
  bench.say_grant(mate, GrantKind::claim, 6);
  CHECK(bench.sink.said(outside, MessageType::cancel).empty());
  CHECK(bench.broken == "");
}
