// The fetching half of a swarm, without the rest: from what a neighbour has to a piece that is had.
#include "engine/swarm/downloads.h"

#include <doctest/doctest.h>

#include "part_bench.h"

using murder::BlockRange;
using murder::BufferIndex;
using murder::PieceIndex;
using murder::codec::any_piece;
using murder::codec::GrantKind;
using murder::codec::MessageType;
using murder::swarm::ActivePiece;
using murder::swarm::CloseReason;
using murder::swarm::Contributor;
using murder::swarm::Downloads;
using murder::swarm::LinkRates;
using murder::swarm::PieceTable;
using murder::swarm::RackShares;
using murder::swarm::SessionId;
using murder::swarm::SwarmConfig;
using murder::test::PartBench;
using namespace std::chrono_literals;

namespace {

SwarmConfig leased_config() {
  SwarmConfig config = PartBench::config_of(8);
  config.leased = true;
  return config;
}

struct DownloadsBench : PartBench {
  explicit DownloadsBench(const SwarmConfig& config = PartBench::config_of(8))
      : PartBench(config) {}

  // It has everything, and lets us ask.
  SessionId open_seed(uint8_t number) {
    const SessionId id = open(number);
    session(id).peer_choking = false;
    REQUIRE(downloads.learn_pieces(id, session(id), {.type = MessageType::have_all}));
    downloads.fill(id, session(id), now);
    return id;
  }
  // All that was asked of it comes. The buffers that are whole by then wait to be hashed.
  void deliver_all(SessionId id) {
    while (!session(id).requested.empty()) {
      const BlockRange block = session(id).requested.at(0).block;
      REQUIRE(downloads.payload_begin(session(id), block, now)->wanted);
      static_cast<void>(downloads.payload_end(id, session(id), now));
      downloads.fill(id, session(id), now);
    }
    CHECK(downloads.check() == "");
  }

  LinkRates rates{context};
  RackShares rack{context};
  Downloads downloads{context, rates, rack};
};

}  // namespace

TEST_CASE("a stock client is asked for what it has, and its whole pieces are hashed and stored") {
  DownloadsBench bench;
  const SessionId id = bench.open_seed(1);
  CHECK(bench.session(id).interested);
  CHECK(!bench.session(id).requested.empty());
  bench.deliver_all(id);
  REQUIRE(!bench.sink.verifying.empty());
  const auto [buffer, piece] = bench.sink.verifying.front();
  std::optional<Contributor> culprit;
  CHECK(bench.downloads.piece_verified(buffer, true, culprit, bench.now) ==
        Downloads::Verified::right);
  CHECK(!culprit);
  CHECK(bench.session(id).proven);
  CHECK(bench.downloads.piece_stored(buffer) == piece);
}

TEST_CASE("a piece that is wrong is wanted again, and who alone brought it is named") {
  DownloadsBench bench;
  const SessionId id = bench.open_seed(1);
  bench.deliver_all(id);
  REQUIRE(!bench.sink.verifying.empty());
  const auto [buffer, piece] = bench.sink.verifying.front();
  std::optional<Contributor> culprit;
  CHECK(bench.downloads.piece_verified(buffer, false, culprit, bench.now) ==
        Downloads::Verified::wrong);
  REQUIRE(culprit);
  CHECK(culprit->session == id);
  CHECK(bench.context.pieces.state(piece) == PieceTable::State::missing);
  CHECK(bench.context.stats.failed_pieces == 1);
}

TEST_CASE(
    "what a session that is let go of had begun is an orphan, and given back if nobody comes") {
  DownloadsBench bench;
  const SessionId id = bench.open_seed(1);
  const uint32_t wanted = bench.context.pieces.picker().wanted_count();
  bench.downloads.revoke_all(id, bench.session(id), true);
  bench.downloads.let_go_of_pieces(id, bench.session(id), bench.now);
  bench.session(id).peer_choking = true;
  bench.downloads.disarmed(bench.session(id));
  bench.downloads.check_orphans(bench.now + 100ms);
  CHECK(bench.context.pieces.picker().wanted_count() == wanted);
  bench.downloads.check_orphans(bench.now + 201ms);
  CHECK(bench.context.pieces.picker().wanted_count() == 8);
  CHECK(bench.context.active.idle_count() == 4);
  CHECK(bench.downloads.check() == "");
}

TEST_CASE("a grant is taken while there is a slot and something to fetch, else declined") {
  DownloadsBench bench;
  const SessionId id = bench.open_own(1);
  REQUIRE(bench.downloads.learn_pieces(id, bench.session(id), {.type = MessageType::have_all}));
  bench.session(id).proven = true;
  CHECK(!bench.downloads.on_grant(id, bench.session(id), any_piece, bench.now));
  CHECK(!bench.session(id).requested.empty());
  CHECK(!bench.downloads.is_free());  // of eight pieces one at a time
  CHECK(!bench.downloads.on_grant(id, bench.session(id), any_piece, bench.now));
  CHECK(bench.sink.count_grants(id, GrantKind::decline) == 1);
  std::optional<CloseReason> reason;
  for (uint32_t count = 0; count < murder::limits::grants_declined_since_free_max; ++count) {
    reason = bench.downloads.on_grant(id, bench.session(id), any_piece, bench.now);
  }
  CHECK(reason == CloseReason::grant_flood);
  bench.deliver_all(id);
  CHECK(bench.sink.verifying.size() == 1);
}

TEST_CASE("under a lease a piece waits for its answer, and is left to the shard that has it") {
  DownloadsBench bench(leased_config());
  const SessionId id = bench.open_seed(1);
  CHECK(bench.session(id).requested.empty());
  REQUIRE(bench.session(id).current);
  const PieceIndex piece = bench.session(id).current_piece;
  SessionId regrant;
  CHECK(!bench.downloads.lease_answered({piece.raw == 0 ? 1U : 0U}, false, regrant, bench.now));
  CHECK(bench.downloads.lease_answered(piece, false, regrant, bench.now));
  CHECK(regrant.is_none());
  CHECK(bench.context.pieces.state(piece) == PieceTable::State::elsewhere);
  CHECK(bench.downloads.lease_freed(piece));
  CHECK(!bench.downloads.lease_freed(piece));
  CHECK(bench.downloads.check() == "");
}
