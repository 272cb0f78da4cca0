// Granted pieces at the downloader, alone.
#include "engine/swarm/granted_pieces.h"

#include <doctest/doctest.h>

#include "part_bench.h"

using murder::BufferIndex;
using murder::PieceIndex;
using murder::codec::any_piece;
using murder::codec::GrantKind;
using murder::swarm::ActivePiece;
using murder::swarm::GrantedPieces;
using murder::swarm::LinkRates;
using murder::swarm::PieceChoice;
using murder::swarm::RackShares;
using murder::swarm::SessionId;
using murder::test::PartBench;
using namespace std::chrono_literals;

namespace {

// 64 pieces, none of them had: two slots.
struct GrantedBench : PartBench {
  GrantedBench() : PartBench(config_of(64)) {}

  SessionId open_with(uint8_t number, uint32_t piece) {
    const SessionId id = open_own(number);
    session(id).pieces.set(piece);
    session(id).useful_count = 1;
    return id;
  }
  ActivePiece& begin(SessionId id, uint32_t piece, bool on_trial = false) {
    context.pieces.mark_active({piece});
    const BufferIndex buffer = context.active.start({piece}, id, false, now);
    granted.begin(context.active.at(buffer), on_trial, 0, now);
    return context.active.at(buffer);
  }

  LinkRates rates{context};
  RackShares rack{context};
  GrantedPieces granted{context, rates, rack};
};

}  // namespace

TEST_CASE("those that have something for us hear once that a slot is free, and all when none is") {
  GrantedBench bench;
  const SessionId useful = bench.open_with(1, 3);
  const SessionId useless = bench.open_own(2);
  CHECK(bench.granted.is_free());
  bench.granted.tell_free_if_useful(useful, bench.session(useful));
  bench.granted.tell_free_if_useful(useful, bench.session(useful));
  bench.granted.tell_free_if_useful(useless, bench.session(useless));
  CHECK(bench.sink.count_grants(useful, GrantKind::free) == 1);
  CHECK(bench.sink.count_grants(useless, GrantKind::free) == 0);
  bench.begin(useful, 3);
  bench.granted.update_free(bench.now);
  CHECK(bench.sink.count_grants(useful, GrantKind::busy) == 0);
  bench.begin(useful, 4);
  bench.granted.update_free(bench.now);
  CHECK(!bench.granted.is_free());
  CHECK(bench.sink.count_grants(useful, GrantKind::busy) == 1);
  CHECK(bench.sink.count_grants(useless, GrantKind::busy) == 0);
  CHECK(bench.granted.check() == "");
}

TEST_CASE("a piece holds its slot until its tail is asked for, or it is late") {
  GrantedBench bench;
  const SessionId id = bench.open_with(1, 3);
  ActivePiece& active = bench.begin(id, 3);
  bench.begin(id, 4);
  CHECK(!bench.granted.has_slot(bench.now));
  CHECK(!bench.granted.progressed(active));
  SUBCASE("its tail") {
    const BufferIndex buffer{bench.context.active.used()[0]};
    active.tail_units = 0;
    const murder::BlockRange block = bench.context.active.take_missing(buffer, 65536, bench.now);
    CHECK(!bench.granted.progressed(active));  // nothing came
    bench.context.active.mark_received(buffer, block, {.session = id}, bench.now);
    CHECK(bench.granted.progressed(active));
    CHECK(!bench.granted.progressed(active));  // told once
    CHECK(bench.sink.count_grants(id, GrantKind::ending) == 1);
  }
  SUBCASE("late") {
    bench.granted.lose_slot(active);
  }
  CHECK(bench.granted.has_slot(bench.now));
  CHECK(bench.granted.is_free());
}

TEST_CASE("on trial a piece holds no slot, and one that ends gives back what it holds") {
  GrantedBench bench;
  const SessionId id = bench.open_with(1, 3);
  ActivePiece& trial = bench.begin(id, 3, true);
  CHECK(trial.solo);
  ActivePiece& usual = bench.begin(id, 4);
  bench.begin(id, 5);
  CHECK(!bench.granted.has_slot(bench.now));
  bench.granted.end(trial);
  CHECK(!bench.granted.has_slot(bench.now));
  bench.granted.end(usual);
  CHECK(bench.granted.has_slot(bench.now));
}

TEST_CASE("a grant is taken for what is half done first, then for what is wanted") {
  GrantedBench bench;
  const SessionId gone = bench.open_own(9);
  const SessionId id = bench.open_with(1, 3);
  bench.session(id).pieces.set(7);
  CHECK(bench.granted.choose(id, bench.session(id), 4, bench.now).kind == PieceChoice::Kind::none);
  CHECK(bench.granted.choose(id, bench.session(id), 7, bench.now).piece == PieceIndex{7});
  bench.context.pieces.mark_active({3});
  const BufferIndex buffer = bench.context.active.start({3}, gone, false, bench.now);
  bench.context.active.at(buffer).owner = {};
  const PieceChoice half_done = bench.granted.choose(id, bench.session(id), any_piece, bench.now);
  CHECK(half_done.kind == PieceChoice::Kind::adopt);
  CHECK(half_done.buffer == buffer);
  const PieceChoice named = bench.granted.choose(id, bench.session(id), 7, bench.now);
  CHECK(named.kind == PieceChoice::Kind::start);
  CHECK(named.piece == PieceIndex{7});
}

TEST_CASE("with all pending, what takes long is fetched a second time") {
  PartBench bench(PartBench::config_of(1));
  LinkRates rates(bench.context);
  RackShares rack(bench.context);
  GrantedPieces granted(bench.context, rates, rack);
  const SessionId slow = bench.open_own(1);
  const SessionId other = bench.open_own(2);
  bench.session(other).pieces.set(0);
  bench.context.pieces.mark_active({0});
  const BufferIndex buffer = bench.context.active.start({0}, slow, false, bench.now);
  CHECK(granted.choose(other, bench.session(other), any_piece, bench.now + 440ms).kind ==
        PieceChoice::Kind::none);
  const PieceChoice late =
      granted.choose(other, bench.session(other), any_piece, bench.now + 460ms);
  CHECK(late.kind == PieceChoice::Kind::duplicate);
  CHECK(late.buffer == buffer);
}

TEST_CASE("a declined grant of one piece leaves the session free for another") {
  GrantedBench bench;
  const SessionId id = bench.open_with(1, 3);
  bench.granted.tell_free(id, bench.session(id));
  bench.granted.decline(id, bench.session(id), 5);
  CHECK(bench.sink.count_grants(id, GrantKind::decline) == 1);
  CHECK(bench.sink.count_grants(id, GrantKind::free) == 2);
  bench.granted.decline(id, bench.session(id), any_piece);
  CHECK(bench.sink.count_grants(id, GrantKind::free) == 2);
  CHECK(!bench.session(id).grants.told_free);
}
