// Which piece a stock client is asked for, alone.
#include "engine/swarm/stock_choice.h"

#include <doctest/doctest.h>

#include "part_bench.h"

using murder::BufferIndex;
using murder::PieceIndex;
using murder::swarm::PieceChoice;
using murder::swarm::SessionId;
using murder::swarm::StockChoice;
using murder::test::PartBench;
using namespace std::chrono_literals;

namespace {

struct ChoiceBench : PartBench {
  ChoiceBench() : PartBench(config_of(2)), id(open(1)), other(open(2)) {
    session(id).pieces.set_all();
    session(other).pieces.set_all();
  }
  BufferIndex start(uint32_t piece, SessionId owner) {
    context.pieces.mark_active({piece});
    return context.active.start({piece}, owner, false, now);
  }
  PieceChoice choose() { return choice.choose(id, session(id), now); }

  SessionId id;
  SessionId other;
  StockChoice choice{context};
};

}  // namespace

TEST_CASE("what was left half done comes first, then a wanted piece, then help, then a copy") {
  ChoiceBench bench;
  const BufferIndex half = bench.start(0, bench.other);
  bench.context.active.at(half).owner = {};
  CHECK(bench.choose().kind == PieceChoice::Kind::adopt);
  CHECK(bench.choose().buffer == half);
  bench.context.active.at(half).owner = bench.other;
  CHECK(bench.choose().kind == PieceChoice::Kind::start);
  CHECK(bench.choose().piece == PieceIndex{1});
  const BufferIndex last = bench.start(1, bench.other);
  static_cast<void>(bench.context.active.take_missing(half, 16384, bench.now));
  CHECK(bench.choose().kind == PieceChoice::Kind::join);
  CHECK(bench.choose().buffer == last);  // it misses most
  while (bench.context.active.at(last).missing_count > 0) {
    static_cast<void>(bench.context.active.take_missing(last, 65536, bench.now));
  }
  while (bench.context.active.at(half).missing_count > 0) {
    static_cast<void>(bench.context.active.take_missing(half, 65536, bench.now));
  }
  CHECK(bench.choose().kind == PieceChoice::Kind::none);
  bench.now += 2s;  // nothing came of anybody
  CHECK(bench.choose().kind == PieceChoice::Kind::duplicate);
}

TEST_CASE("who is suspect or meets a piece of one contributor alone does not share it") {
  ChoiceBench bench;
  const BufferIndex buffer = bench.start(0, bench.other);
  bench.start(1, bench.other);
  for (const uint32_t index : bench.context.active.used()) {
    bench.context.active.at({index}).solo = true;
  }
  CHECK(bench.choose().kind == PieceChoice::Kind::none);
  bench.context.active.at(buffer).solo = false;
  CHECK(bench.choose().kind == PieceChoice::Kind::join);
  bench.session(bench.id).suspect = true;
  CHECK(bench.choose().kind == PieceChoice::Kind::none);
}

TEST_CASE("a session goes on with its piece while it misses something and may be shared") {
  ChoiceBench bench;
  const BufferIndex buffer = bench.start(0, bench.other);
  CHECK(!bench.choice.goes_on(bench.id, bench.session(bench.id)));
  bench.session(bench.id).current = buffer;
  bench.session(bench.id).current_piece = {0};
  CHECK(bench.choice.goes_on(bench.id, bench.session(bench.id)));
  bench.context.active.at(buffer).solo = true;
  CHECK(!bench.choice.goes_on(bench.id, bench.session(bench.id)));
  bench.context.active.at(buffer).owner = bench.id;
  CHECK(bench.choice.goes_on(bench.id, bench.session(bench.id)));
  bench.session(bench.id).current_piece = {1};  // the buffer holds another by now
  CHECK(!bench.choice.goes_on(bench.id, bench.session(bench.id)));
}
