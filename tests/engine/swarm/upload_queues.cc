// Who is served which block next, alone.
#include "engine/swarm/upload_queues.h"

#include <doctest/doctest.h>

#include "part_bench.h"

using murder::BlockRange;
using murder::PieceIndex;
using murder::codec::MessageType;
using murder::swarm::SessionId;
using murder::swarm::UploadQueues;
using murder::test::PartBench;
using namespace std::chrono_literals;

namespace {

constexpr uint32_t queued_block_bytes = 16384;

BlockRange block_at(uint32_t piece, uint32_t number) {
  return {PieceIndex{piece}, number * queued_block_bytes, queued_block_bytes};
}

void ask_for(PartBench& bench, UploadQueues& queues, SessionId id, uint32_t piece) {
  for (uint32_t number = 0; number < 4; ++number) {
    queues.add(id, bench.session(id), block_at(piece, number), bench.now);
  }
}

size_t sent_to(const PartBench& bench, SessionId id) {
  size_t count = 0;
  for (const auto& [session, block] : bench.sink.sent_blocks) {
    count += session == id ? 1U : 0U;
  }
  return count;
}

}  // namespace

TEST_CASE("four stock clients are served at a time, the fifth when one of them is done") {
  PartBench bench;
  UploadQueues queues(bench.context);
  std::vector<SessionId> ids;
  for (uint8_t number = 1; number <= 5; ++number) {
    ids.push_back(bench.open(number));
    ask_for(bench, queues, ids.back(), 0);
    queues.admit(2, bench.now);
  }
  CHECK(sent_to(bench, ids[3]) == 4);
  CHECK(sent_to(bench, ids[4]) == 0);
  CHECK(queues.check() == "");
  for (uint32_t number = 0; number < 4; ++number) {
    CHECK(!queues.sent(bench.session(ids[0]), queued_block_bytes, bench.now));
  }
  CHECK(queues.leave_if_done(ids[0], bench.session(ids[0])));
  queues.admit(2, bench.now);
  CHECK(sent_to(bench, ids[4]) == 4);
  CHECK(queues.check() == "");
}

TEST_CASE("a stock client is held back while our own are served, and goes on when they are done") {
  PartBench bench;
  UploadQueues queues(bench.context);
  const SessionId own = bench.open_own(1);
  const SessionId stock = bench.open(2);
  ask_for(bench, queues, own, 0);
  queues.admit(2, bench.now);
  CHECK(sent_to(bench, own) == 4);
  ask_for(bench, queues, stock, 1);
  queues.admit(2, bench.now);
  CHECK(sent_to(bench, stock) == 0);
  CHECK(queues.check() == "");
  SUBCASE("when they are done") {
    bench.now += 600ms;
    queues.admit(2, bench.now);
    CHECK(sent_to(bench, stock) == 4);
  }
  SUBCASE("not when it took its requests back") {
    for (uint32_t number = 0; number < 4; ++number) {
      queues.cancel(stock, bench.session(stock), block_at(1, number));
    }
    CHECK(queues.leave_if_done(stock, bench.session(stock)));
    bench.now += 600ms;
    queues.admit(2, bench.now);
    CHECK(sent_to(bench, stock) == 0);
  }
  CHECK(queues.check() == "");
}

TEST_CASE("one that reads nothing keeps no place from others") {
  PartBench bench;
  UploadQueues queues(bench.context);
  std::vector<SessionId> ids;
  for (uint8_t number = 1; number <= 3; ++number) {
    ids.push_back(bench.open_own(number));
    ask_for(bench, queues, ids.back(), 0);
    queues.admit(2, bench.now);
  }
  CHECK(sent_to(bench, ids[2]) == 0);
  bench.now += 201ms;
  queues.check_stalled(ids[0], bench.session(ids[0]), bench.now);
  queues.admit(2, bench.now);
  CHECK(sent_to(bench, ids[2]) == 4);
}

TEST_CASE("what a peer may not have is rejected, and too many such requests are told") {
  PartBench bench;
  UploadQueues queues(bench.context);
  const SessionId id = bench.open(1);
  bench.session(id).fast_extension = true;
  CHECK(queues.refuse(id, bench.session(id), block_at(0, 0)));
  CHECK(bench.sink.said(id, MessageType::reject_request).size() == 1);
  for (uint32_t count = 1; count < murder::limits::refused_requests_max; ++count) {
    REQUIRE(queues.refuse(id, bench.session(id), block_at(0, 0)));
  }
  CHECK(!queues.refuse(id, bench.session(id), block_at(0, 0)));
}

TEST_CASE("a session that ends or turns out to be our own leaves nothing in the queues") {
  PartBench bench;
  UploadQueues queues(bench.context);
  const SessionId id = bench.open(1);
  ask_for(bench, queues, id, 0);
  queues.admit(2, bench.now);
  CHECK(bench.session(id).grants.asked_bytes == 4 * queued_block_bytes);
  queues.forget(id, bench.session(id));
  CHECK(bench.session(id).grants.asked_bytes == 0);
  bench.context.sessions.uses_grants(bench.session(id));
  bench.session(id).grants.asked_bytes = bench.session(id).sending_bytes;
  queues.becomes_own(id, bench.session(id));
  queues.admit(2, bench.now);
  CHECK(queues.granted().is_served(id.slot));
  CHECK(queues.check() == "");
}
