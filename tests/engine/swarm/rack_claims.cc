#include "engine/swarm/rack_claims.h"

#include <doctest/doctest.h>

#include "engine/swarm/bounds.h"
#include "recorder.h"

using murder::Instant;
using murder::PieceIndex;
using murder::codec::GrantKind;
using murder::codec::MessageType;
using murder::swarm::RackClaims;
using murder::swarm::SessionId;
using murder::test::Bench;
using namespace std::chrono_literals;
namespace limits = murder::limits;

namespace {

constexpr uint32_t claimable_count = 100;
constexpr Instant start{100s};

// How many of all pieces the mate may claim now.
uint32_t claim_all(RackClaims& rack, uint32_t slot) {
  uint32_t count = 0;
  for (uint32_t piece = 0; piece < claimable_count; ++piece) {
    count += rack.claim({piece}, slot, start) ? 1U : 0U;
  }
  return count;
}

void expire_all(RackClaims& rack) {
  rack.expire(1s, start + 2s, [](PieceIndex) {});
}

}  // namespace

TEST_CASE("a mate claims as much as it can have under way, and nothing more until it has a piece") {
  RackClaims rack(claimable_count, 4, true);
  CHECK(claim_all(rack, 1) == limits::claims_per_mate_max);
  CHECK(claim_all(rack, 2) == limits::claims_per_mate_max);  // others
  expire_all(rack);
  CHECK(claim_all(rack, 1) == 0);
  CHECK(claim_all(rack, 3) == limits::claims_per_mate_max);
  rack.mate_has({70}, 1);
  CHECK(claim_all(rack, 1) == limits::claims_per_mate_max);
}

TEST_CASE("who claims and takes it back without end is not believed either") {
  RackClaims rack(claimable_count, 4, true);
  uint32_t believed = 0;
  for (uint32_t round = 0; round < 1000; ++round) {
    believed += rack.claim({7}, 1, start) ? 1U : 0U;
    static_cast<void>(rack.unclaim({7}, 1));
  }
  CHECK(believed == limits::claims_per_mate_max);
  rack.drop(1, [](PieceIndex) {});
  CHECK(rack.claim({7}, 1, start));  // another session in its slot
}

TEST_CASE("what a mate claims and gets, or another has first, does not count against it") {
  RackClaims rack(claimable_count, 4, true);
  for (uint32_t piece = 0; piece < claimable_count; ++piece) {
    CHECK(rack.claim({piece}, 1, start));
    rack.mate_has({piece}, piece % 2 == 0 ? 1 : 2);
  }
}

TEST_CASE("a mate that claims everything and fetches nothing keeps its rack from nothing") {
  Bench bench(false, 64, "r1");
  const SessionId mate = bench.join_own(false, "r1");
  const SessionId outside = bench.join_own_seed("r2");
  for (int round = 0; round < 10; ++round) {
    for (uint32_t piece = 0; piece < 64; ++piece) {
      bench.say_grant(mate, GrantKind::claim, piece);
    }
    bench.run(300ms);
  }
  for (const uint32_t piece : {0U, 31U, 63U}) {
    const size_t before = bench.sink.said(outside, MessageType::request).size();
    bench.say_grant(outside, GrantKind::grant, piece);
    const auto asked = bench.sink.said(outside, MessageType::request);
    REQUIRE(asked.size() > before);
    CHECK(asked.back().piece.raw == piece);
    for (size_t position = before; position < asked.size(); ++position) {
      bench.deliver(outside, asked[position]);
    }
    bench.store_all();
  }
  CHECK(bench.broken == "");
}
