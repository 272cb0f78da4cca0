// A host's share in what its rack fetches, alone.
#include "engine/swarm/rack_shares.h"

#include <doctest/doctest.h>

#include "part_bench.h"

using murder::BufferIndex;
using murder::PieceIndex;
using murder::codec::GrantKind;
using murder::swarm::ActivePiece;
using murder::swarm::RackShares;
using murder::swarm::Session;
using murder::swarm::SessionId;
using murder::swarm::SwarmConfig;
using murder::test::PartBench;
using namespace std::chrono_literals;

namespace {

SwarmConfig config_in_rack(const char* rack) {
  SwarmConfig config = PartBench::config_of(8);
  config.rack = rack;
  return config;
}

// A neighbour of our own kind whose rack is the same as ours.
SessionId open_mate(PartBench& bench, RackShares& rack, uint8_t number) {
  const SessionId id = bench.open_own(number);
  bench.session(id).grants.rack_mate = true;
  rack.cover(id, bench.session(id));
  return id;
}

}  // namespace

TEST_CASE("without a rack nobody is outside and nothing is covered") {
  PartBench bench;
  RackShares rack(bench.context);
  const SessionId id = bench.open_own(1);
  CHECK(!rack.active());
  CHECK(!rack.is_outside(bench.session(id)));
  CHECK(!rack.covers({0}));
  rack.rack_told();
  CHECK(rack.is_outside(bench.session(id)));
}

TEST_CASE("a mate is one that says our rack, and to whom we said it first") {
  PartBench bench(config_in_rack("r1"));
  RackShares rack(bench.context);
  Session& session = bench.session(bench.open_own(1));
  CHECK(!rack.is_mate(session, "r1"));
  session.grants.knows_rack = true;
  CHECK(rack.is_mate(session, "r1"));
  CHECK(!rack.is_mate(session, "r2"));
}

TEST_CASE("what a mate has is covered until it is gone, unless another mate has it") {
  PartBench bench(config_in_rack("r1"));
  RackShares rack(bench.context);
  const SessionId one = open_mate(bench, rack, 1);
  const SessionId other = open_mate(bench, rack, 2);
  const SessionId outside = bench.open_own(3);
  for (const uint32_t piece : {3U, 4U}) {
    bench.session(one).pieces.set(piece);
    rack.mate_has(one, bench.session(one), {piece});
  }
  bench.session(other).pieces.set(4);
  rack.mate_has(other, bench.session(other), {4});
  CHECK(rack.covers_from(bench.session(outside), {3}));
  CHECK(!rack.covers_from(bench.session(one), {3}));
  CHECK(rack.check() == "");
  std::vector<uint32_t> freed;
  rack.uncover(one, bench.session(one), [&](PieceIndex piece) { freed.push_back(piece.raw); });
  CHECK(freed == std::vector<uint32_t>{3});
  CHECK(rack.mate_count() == 1);
  CHECK(rack.check() == "");
  rack.uncover(one, bench.session(one), [&](PieceIndex) { FAIL("it was uncovered before"); });
}

TEST_CASE("a claim is told to mates alone, once, and taken back once") {
  PartBench bench(config_in_rack("r1"));
  RackShares rack(bench.context);
  const SessionId mate = open_mate(bench, rack, 1);
  const SessionId outside = bench.open_own(2);
  const BufferIndex buffer = bench.context.active.start({5}, outside, false, bench.now);
  ActivePiece& active = bench.context.active.at(buffer);
  rack.claim(active);
  CHECK(bench.sink.count_grants(mate, GrantKind::claim) == 1);
  const SessionId late = open_mate(bench, rack, 3);
  rack.tell_claims(late, bench.session(late));
  CHECK(bench.sink.said_grants(late).front().value == 5);
  rack.unclaim(active);
  rack.unclaim(active);
  CHECK(bench.sink.count_grants(mate, GrantKind::unclaim) == 1);
  CHECK(bench.sink.said_grants(outside).empty());
}

TEST_CASE("of two that fetch the same piece the one with the smaller peer id leaves it") {
  SwarmConfig config = config_in_rack("r1");
  config.peer_id.bytes[0] = 5;
  PartBench bench(config);
  RackShares rack(bench.context);
  const SessionId smaller = open_mate(bench, rack, 1);
  const SessionId larger = open_mate(bench, rack, 9);
  bench.context.pieces.mark_active({2});
  bench.context.pieces.mark_active({3});
  CHECK(!rack.mate_claims(smaller, bench.session(smaller), 2, bench.now));
  CHECK(rack.mate_claims(larger, bench.session(larger), 3, bench.now));
  CHECK(!rack.mate_claims(larger, bench.session(larger), 4, bench.now));  // we do not fetch it
  CHECK(rack.covers({4}));
  CHECK(!rack.mate_claims(larger, bench.session(larger), 8, bench.now));  // there is no such piece
  CHECK(rack.mate_unclaims(larger, bench.session(larger), 4));
  CHECK(!rack.mate_unclaims(larger, bench.session(larger), 4));
}

TEST_CASE("a host gives to other racks one and a half times its part of a copy, and two pieces") {
  PartBench bench(config_in_rack("r1"), true);
  RackShares rack(bench.context);
  const SessionId outside = bench.open_own(3);
  rack.sent(bench.session(outside), 100 * 65536);
  CHECK(!rack.gives_outside_enough());  // there is nobody else in the rack
  const SessionId mate = open_mate(bench, rack, 1);
  CHECK(rack.gives_outside_enough());
  RackShares other(bench.context);
  bench.session(mate).grants.covers_rack = false;
  other.cover(mate, bench.session(mate));
  other.sent(bench.session(mate), 100 * 65536);
  other.sent(bench.session(outside), 8 * 65536);  // of 8 pieces and two hosts: 6 + 2
  CHECK(!other.gives_outside_enough());
  other.sent(bench.session(outside), 1);
  CHECK(other.gives_outside_enough());
}
