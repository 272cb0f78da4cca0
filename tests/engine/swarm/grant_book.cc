// The grants that a host gave, alone: whom it promises a piece, and what becomes of a promise.
#include "engine/swarm/grant_book.h"

#include <doctest/doctest.h>

#include "part_bench.h"

using murder::BlockRange;
using murder::PieceIndex;
using murder::codec::any_piece;
using murder::codec::GrantKind;
using murder::policy::UploadScheduler;
using murder::swarm::GrantBook;
using murder::swarm::LinkRates;
using murder::swarm::RackShares;
using murder::swarm::Session;
using murder::swarm::SessionId;
using murder::test::PartBench;
using namespace std::chrono_literals;

namespace {

constexpr uint32_t book_piece_bytes = 65536;

// A seeder of 64 pieces: two slots. One neighbour lacks them all and is never free, so that nobody
// is the only one to be served.
struct BookBench : PartBench {
  BookBench() : PartBench(config_of(64), true) {
    end_first_copies();
    open_own(99);
  }

  // Every piece was seen at a neighbour, so that grants name none.
  void end_first_copies() {
    for (uint32_t piece = 0; piece < 64; ++piece) {
      (void)book.seen({}, {piece});
    }
  }
  SessionId open_free(uint8_t number) {
    const SessionId id = open_own(number);
    session(id).grants.peer_free = true;
    book.update_grantable(id, session(id));
    return id;
  }
  uint32_t grants_to(SessionId id) const { return sink.count_grants(id, GrantKind::grant); }
  GrantBook::Request take_up(SessionId id, uint32_t piece, uint32_t size_bytes = book_piece_bytes) {
    return book.take_up(id, session(id), {PieceIndex{piece}, 0, size_bytes}, now);
  }

  LinkRates rates{context};
  RackShares rack{context};
  GrantBook book{context, rates, rack};
};

}  // namespace

TEST_CASE("as many are granted as there are slots, those first who have nothing of ours") {
  BookBench bench;
  std::vector<SessionId> ids;
  for (uint8_t number = 1; number <= 3; ++number) {
    ids.push_back(bench.open_free(number));
  }
  bench.book.give(bench.now);
  CHECK(bench.book.slots() == 2);
  uint32_t sum = 0;
  for (const SessionId id : ids) {
    CHECK(bench.grants_to(id) <= 1);
    sum += bench.grants_to(id);
  }
  CHECK(sum == 2);
  CHECK(bench.book.check() == "");
  bench.book.give(bench.now);
  CHECK(bench.book.check() == "");
}

TEST_CASE("a grant is taken up by its first request, for one piece and no more than all of it") {
  BookBench bench;
  const SessionId id = bench.open_free(1);
  bench.book.give(bench.now);
  CHECK(!bench.take_up(bench.open_own(2), 5).is_granted);
  bench.now += 7ms;
  const GrantBook::Request first = bench.take_up(id, 5, 16384);
  CHECK(first.is_granted);
  CHECK(first.answered_after == 7ms);
  const GrantBook::Request second = bench.take_up(id, 5, book_piece_bytes - 16384);
  CHECK(second.is_granted);
  CHECK(!second.answered_after);
  CHECK(!bench.take_up(id, 5, 1).is_granted);
  CHECK(!bench.take_up(id, 6).is_granted);
  CHECK(bench.book.check() == "");
  CHECK(!bench.book.end(id, {6}, bench.now));
  CHECK(bench.book.end(id, {5}, bench.now));
  CHECK(bench.session(id).grants.grants == 0);
  CHECK(bench.session(id).grants.given.unconfirmed() == 1);
}

TEST_CASE("who declined is granted nothing more before it says that it is free") {
  BookBench bench;
  const SessionId id = bench.open_free(1);
  bench.book.give(bench.now);
  bench.now += 3ms;
  CHECK(bench.book.decline(id, bench.session(id), any_piece, bench.now) == 3ms);
  CHECK(!bench.book.decline(id, bench.session(id), any_piece, bench.now));
  bench.book.give(bench.now);
  CHECK(bench.grants_to(id) == 1);
  bench.session(id).grants.peer_free = true;
  bench.book.update_grantable(id, bench.session(id));
  bench.book.give(bench.now);
  CHECK(bench.grants_to(id) == 2);
  CHECK(bench.book.check() == "");
}

TEST_CASE("a grant that is not answered is void, and its peer waits longer each time") {
  BookBench bench;
  const UploadScheduler nobody(32, 8);
  const SessionId id = bench.open_free(1);
  Session& session = bench.session(id);
  bench.book.give(bench.now);
  bench.now += 501ms;
  bench.book.expire(nobody, bench.now);
  CHECK(session.grants.grants == 0);
  CHECK(session.grants.granted_again_at == bench.now + 640ms);
  bench.book.give(bench.now);
  CHECK(bench.grants_to(id) == 1);
  bench.now += 641ms;
  bench.book.give(bench.now);
  CHECK(bench.grants_to(id) == 2);
  bench.now += 501ms;
  bench.book.expire(nobody, bench.now);
  CHECK(session.grants.granted_again_at == bench.now + 1280ms);
  SUBCASE("until it takes what it is sent") {
    GrantBook::used(session, bench.now);
    CHECK(session.grants.granted_again_at == bench.now + 640ms);
    CHECK(session.grants.unused_in_row == 0);
  }
  CHECK(bench.book.check() == "");
}

TEST_CASE("a newcomer that does not answer at once holds no slot") {
  BookBench bench;
  const UploadScheduler nobody(32, 8);
  bench.open_free(1);
  bench.open_free(2);
  bench.book.give(bench.now);
  const SessionId third = bench.open_free(3);
  bench.book.give(bench.now);
  CHECK(bench.grants_to(third) == 0);
  bench.now += 101ms;
  bench.book.expire(nobody, bench.now);
  bench.book.give(bench.now);
  CHECK(bench.grants_to(third) == 1);
  CHECK(bench.book.check() == "");
}

TEST_CASE("a seeder names each piece once, and again what is lost with its receiver") {
  PartBench bench(PartBench::config_of(64), true);
  LinkRates rates(bench.context);
  RackShares rack(bench.context);
  GrantBook book(bench.context, rates, rack);
  const auto open_free = [&](uint8_t number) {
    const SessionId id = bench.open_own(number);
    bench.session(id).grants.peer_free = true;
    book.update_grantable(id, bench.session(id));
    return id;
  };
  const SessionId first = open_free(1);
  const SessionId second = open_free(2);
  book.give(bench.now);
  const uint32_t one = bench.sink.said_grants(first).front().value;
  const uint32_t other = bench.sink.said_grants(second).front().value;
  CHECK(one + other == 1);  // 0 and 1
  bench.context.sessions.closing(bench.session(first), murder::swarm::CloseReason::silent);
  book.end_all(first);
  book.update_grantable(first, bench.session(first));
  const SessionId third = open_free(3);
  book.give(bench.now);
  REQUIRE(bench.sink.said_grants(third).size() == 1);
  CHECK(bench.sink.said_grants(third).front().value == one);
  CHECK(book.check() == "");
}

TEST_CASE("check notices a session that was free and is not in the set of those to be granted") {
  BookBench bench;
  const SessionId id = bench.open_own(1);
  CHECK(bench.book.check() == "");
  bench.session(id).grants.peer_free = true;
  CHECK(bench.book.check() == "the set of those who may be granted is not what a recount gives");
}
