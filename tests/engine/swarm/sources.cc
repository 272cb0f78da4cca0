// Who brings pieces and who lets us down, alone.
#include "engine/swarm/sources.h"

#include <doctest/doctest.h>

#include "part_bench.h"

using murder::BufferIndex;
using murder::policy::PieceVerdict;
using murder::swarm::ActivePiece;
using murder::swarm::LinkRates;
using murder::swarm::Session;
using murder::swarm::SessionId;
using murder::swarm::Sources;
using murder::test::PartBench;
using namespace std::chrono_literals;

namespace {

constexpr uint32_t slots = 2;

struct SourcesBench : PartBench {
  // A granted piece of this session, without a slot when it is on trial.
  ActivePiece& grant(SessionId id, uint32_t piece, bool on_trial) {
    const BufferIndex buffer = context.active.start({piece}, id, false, now);
    ActivePiece& active = context.active.at(buffer);
    active.granted = true;
    active.slotless = on_trial;
    active.granted_at = now;
    return active;
  }

  LinkRates rates{context};
  Sources sources{context, rates};
};

}  // namespace

TEST_CASE(
    "who let us down waits longer each time while others could bring it, until a piece is right") {
  SourcesBench bench;
  const SessionId id = bench.open_own(1);
  const SessionId other = bench.open_own(2);
  Session& session = bench.session(id);
  bench.sources.failed(session, 2s, bench.now);
  CHECK(session.snubbed_until == bench.now + 2s);
  CHECK(!bench.sources.waits(id, session, bench.now));  // nobody else has anything
  bench.session(other).useful_count = 1;
  CHECK(bench.sources.waits(id, session, bench.now));
  CHECK(!bench.sources.waits(id, session, bench.now + 3s));
  bench.sources.failed(session, 2s, bench.now);
  CHECK(session.snubbed_until == bench.now + 4s);
  CHECK(bench.sources.is_on_trial(session, slots, bench.now));
  CHECK(bench.sources.proved(session));
  CHECK(!bench.sources.proved(session));
  CHECK(session.proven);
  CHECK(!bench.sources.is_on_trial(session, slots, bench.now));
}

TEST_CASE("when more grants failed lately than there are slots, newcomers are on trial") {
  SourcesBench bench;
  Session& newcomer = bench.session(bench.open_own(1));
  Session& proven = bench.session(bench.open_own(2));
  bench.sources.proved(proven);
  for (uint32_t count = 0; count < slots; ++count) {
    bench.sources.lied(bench.now);
  }
  CHECK(!bench.sources.is_on_trial(newcomer, slots, bench.now));
  bench.sources.lied(bench.now);
  CHECK(bench.sources.is_on_trial(newcomer, slots, bench.now));
  CHECK(!bench.sources.is_on_trial(proven, slots, bench.now));
  bench.sources.forget(bench.now + 11s);
  CHECK(!bench.sources.is_on_trial(newcomer, slots, bench.now + 11s));
}

TEST_CASE("a newcomer brings one piece at a time, and on trial one of all at its address") {
  SourcesBench bench;
  const SessionId newcomer = bench.open_own(1);
  const SessionId neighbour = bench.open_own(1);
  const SessionId elsewhere = bench.open_own(2);
  CHECK(bench.sources.has_place_for(newcomer, bench.session(newcomer), false));
  bench.grant(newcomer, 0, true);
  CHECK(!bench.sources.has_place_for(newcomer, bench.session(newcomer), false));
  CHECK(bench.sources.has_place_for(neighbour, bench.session(neighbour), false));
  CHECK(!bench.sources.has_place_for(neighbour, bench.session(neighbour), true));
  CHECK(bench.sources.has_place_for(elsewhere, bench.session(elsewhere), true));
  bench.grant(elsewhere, 1, true);  // a half of four buffers are slotless at most
  CHECK(!bench.sources.has_place_for(bench.open_own(3), bench.session(bench.open_own(3)), true));
  CHECK(!bench.sources.may_lose_slot());
  CHECK(bench.sources.check() == "");
  bench.grant(elsewhere, 2, true);
  CHECK(bench.sources.check() == "more pieces are fetched without a slot than may be");
}

TEST_CASE("an alternative is another that may deliver and has what was asked for") {
  SourcesBench bench;
  const SessionId id = bench.open_own(1);
  const SessionId other = bench.open_own(2);
  Session& session = bench.session(id);
  CHECK(!bench.sources.has_alternative_to(id, session, false));
  session.requested.push({{murder::PieceIndex{3}, 0, 16384}, {0}, bench.now});
  CHECK(!bench.sources.has_alternative_to(id, session, false));
  bench.session(other).pieces.set(3);
  CHECK(bench.sources.has_alternative_to(id, session, false));
  bench.session(other).requested_bytes = 1;
  CHECK(bench.sources.has_alternative_to(id, session, false));
  CHECK(!bench.sources.has_alternative_to(id, session, true));  // an idle one
  bench.session(other).snubbed = true;
  CHECK(!bench.sources.has_alternative_to(id, session, false));
}

TEST_CASE("a granted piece is judged by what came of it, the block that arrives included") {
  SourcesBench bench;
  const SessionId id = bench.open_own(1);
  bench.grant(id, 0, false);
  const BufferIndex buffer{bench.context.active.used()[0]};
  CHECK(bench.sources.judge(buffer, bench.now + 100ms) == PieceVerdict::fine);
  CHECK(bench.sources.judge(buffer, bench.now + 200ms) == PieceVerdict::late);
  bench.session(id).arriving = {{murder::PieceIndex{0}, 0, 16384}, buffer, bench.now};
  bench.session(id).arrived_bytes = 16384;
  CHECK(bench.sources.judge(buffer, bench.now + 200ms) == PieceVerdict::fine);
  bench.session(id).arriving.reset();
  CHECK(bench.sources.judge(buffer, bench.now + 601ms) == PieceVerdict::hopeless);
}

TEST_CASE("a stock client on trial is asked for one piece of few, a proven one as it comes") {
  SourcesBench bench;
  const SessionId id = bench.open(1);
  Session& session = bench.session(id);
  CHECK(bench.sources.may_ask_stock(id, session, slots, bench.now));
  session.snub_count = 1;
  CHECK(bench.sources.may_ask_stock(id, session, slots, bench.now));
  for (uint32_t piece = 0; piece < 2; ++piece) {
    const SessionId other = bench.open(static_cast<uint8_t>(2 + piece));
    bench.context.active.start({piece}, other, false, bench.now);
  }
  CHECK(!bench.sources.may_ask_stock(id, session, slots, bench.now));
  session.current = BufferIndex{0};  // it has one
  CHECK(bench.sources.may_ask_stock(id, session, slots, bench.now));
  session.current.reset();
  bench.sources.proved(session);
  CHECK(bench.sources.may_ask_stock(id, session, slots, bench.now));
}
