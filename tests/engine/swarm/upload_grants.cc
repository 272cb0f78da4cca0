// Grants at the uploader: one swarm that has everything, and peers of its own kind, good and bad.
#include <doctest/doctest.h>

#include <algorithm>

#include "engine/swarm/bounds.h"
#include "recorder.h"

using murder::BlockRange;
using murder::PieceIndex;
using murder::codec::any_piece;
using murder::codec::GrantKind;
using murder::codec::GrantMessage;
using murder::codec::MessageType;
using murder::swarm::CloseReason;
using murder::swarm::SessionId;
using murder::test::Bench;
using namespace std::chrono_literals;
namespace limits = murder::limits;

namespace {

constexpr uint32_t piece_bytes = 65536;

BlockRange whole(uint32_t piece) {
  return {PieceIndex{piece}, 0, piece_bytes};
}

void ask(Bench& bench, SessionId id, const BlockRange& block) {
  bench.say(id, MessageType::request, block);
}

uint32_t grants_to(const Bench& bench, SessionId id) {
  return bench.sink.count_grants(id, GrantKind::grant);
}

// What the last grant to the session names.
uint32_t named_to(const Bench& bench, SessionId id) {
  const std::vector<GrantMessage> said = bench.sink.said_grants(id);
  REQUIRE(!said.empty());
  REQUIRE(said.back().kind == GrantKind::grant);
  return said.back().value;
}

// The peer takes what it is granted and says so: what it says of itself is believed from then on.
void take_one(Bench& bench, SessionId id) {
  const uint32_t named = named_to(bench, id);
  const uint32_t piece = named == any_piece ? 0 : named;
  ask(bench, id, whole(piece));
  bench.swarm().block_sent(id, piece_bytes, bench.now);
  bench.say(id, {.type = MessageType::have, .piece = {piece}});
}

// A neighbour has every piece, so that there are no first copies to give.
void end_first_copies(Bench& bench) {
  const SessionId id = bench.join_own_seed();
  bench.swarm().end(id, CloseReason::remote_closed, bench.now);
  bench.swarm().closed(id, bench.now);
}

}  // namespace

TEST_CASE("stock clients never see a grant message, and are unchoked as ever") {
  Bench bench(true);
  const SessionId stock = bench.join();
  bench.say(stock, {.type = MessageType::interested});
  const SessionId own = bench.join_own(true);
  bench.say(own, {.type = MessageType::interested});
  CHECK(bench.sink.said(stock, MessageType::unchoke).size() == 1);
  CHECK(bench.sink.said_grants(stock).empty());
  CHECK(bench.sink.said(own, MessageType::unchoke).empty());
  CHECK(grants_to(bench, own) == 1);
  CHECK(bench.broken == "");
}

TEST_CASE(
    "while our own are served a stock client gets a little, and the rest when they are done") {
  Bench bench(true, 64);
  const SessionId own = bench.join_own(true);
  const SessionId stock = bench.join();
  bench.say(stock, {.type = MessageType::interested});
  ask(bench, own, whole(named_to(bench, own)));
  for (uint32_t block = 0; block < 4; ++block) {
    ask(bench, stock, {PieceIndex{9}, block * 16384, 16384});
  }
  const auto stock_blocks = [&] {
    return std::count_if(bench.sink.sent_blocks.begin(), bench.sink.sent_blocks.end(),
                         [&](const auto& sent) { return sent.first == stock; });
  };
  CHECK(stock_blocks() == 0);
  bench.swarm().block_sent(own, piece_bytes, bench.now);  // a sixteenth of it is due
  bench.check();
  CHECK(stock_blocks() == 1);
  bench.swarm().block_sent(stock, 16384, bench.now);
  bench.check();
  CHECK(stock_blocks() == 1);
  bench.run(200ms);
  CHECK(stock_blocks() == 1);
  SUBCASE("when they are done") {
    bench.run(500ms);
    CHECK(stock_blocks() == 4);
  }
  SUBCASE("not when it is gone, or has taken its requests back") {
    for (uint32_t block = 1; block < 4; ++block) {
      bench.say(stock, MessageType::cancel, {PieceIndex{9}, block * 16384, 16384});
    }
    bench.run(500ms);
    CHECK(stock_blocks() == 1);
    ask(bench, own, whole(named_to(bench, own)));
    ask(bench, stock, {PieceIndex{9}, 0, 16384});
    bench.swarm().end(stock, CloseReason::remote_closed, bench.now);
    bench.check();
    bench.run(1000ms);
  }
  CHECK(bench.broken == "");
}

TEST_CASE("as many are granted a piece as there are slots: one of fewer than 64 pieces, else two") {
  for (const uint32_t piece_count : {63U, 64U}) {
    CAPTURE(piece_count);
    Bench bench(true, piece_count);
    uint32_t granted = 0;
    for (int peer = 0; peer < 5; ++peer) {
      granted += grants_to(bench, bench.join_own(true));
    }
    CHECK(granted == (piece_count < 64 ? 1 : 2));
    CHECK(bench.broken == "");
  }
}

TEST_CASE("who is not free is not granted, until it says that it is") {
  Bench bench(true);
  const SessionId busy = bench.join_own(false);
  CHECK(grants_to(bench, busy) == 0);
  bench.say_grant(busy, GrantKind::free, 0);
  CHECK(grants_to(bench, busy) == 1);
  const SessionId other = bench.join_own(true);
  bench.say_grant(other, GrantKind::busy, 0);
  bench.say_grant(busy, GrantKind::decline, named_to(bench, busy));
  CHECK(grants_to(bench, other) == 0);
  CHECK(bench.broken == "");
}

TEST_CASE("requests without a grant, beyond it or for another piece are refused") {
  Bench bench(true, 64);
  const SessionId free = bench.join_own(true);
  const SessionId busy = bench.join_own(false);
  ask(bench, busy, whole(0));
  CHECK(bench.sink.said(busy, MessageType::reject_request).size() == 1);
  REQUIRE(grants_to(bench, free) == 2);  // nobody else wants the second slot
  const uint32_t first = bench.sink.said_grants(free).at(0).value;
  const uint32_t second = bench.sink.said_grants(free).at(1).value;
  ask(bench, free, whole(second + 1));
  CHECK(bench.sink.said(free, MessageType::reject_request).size() == 1);
  ask(bench, free, whole(first));
  ask(bench, free, whole(first));  // once
  ask(bench, free, {PieceIndex{second}, 0, 16384});
  CHECK(bench.sink.said(free, MessageType::reject_request).size() == 2);
  REQUIRE(bench.sink.sent_blocks.size() == 2);
  CHECK(bench.sink.sent_blocks[0].second == whole(first));
  for (uint32_t count = 0; count <= limits::refused_requests_max; ++count) {
    ask(bench, busy, whole(0));
  }
  CHECK(bench.sink.has_closed(busy, CloseReason::request_flood));
  CHECK(bench.broken == "");
}

TEST_CASE("when a piece is ending, had or cancelled, its slot goes to another at once") {
  for (const int way : {0, 1, 2}) {
    CAPTURE(way);
    Bench bench(true);
    const SessionId first = bench.join_own(true);
    const SessionId second = bench.join_own(true);
    const uint32_t piece = named_to(bench, first);
    ask(bench, first, whole(piece));
    CHECK(grants_to(bench, second) == 0);
    bench.say_grant(first, GrantKind::busy, 0);
    if (way == 0) {
      bench.say_grant(first, GrantKind::ending, piece);
    } else if (way == 1) {
      bench.say(first, {.type = MessageType::have, .piece = {piece}});
    } else {
      bench.say(first, MessageType::cancel, whole(piece));
    }
    CHECK(grants_to(bench, second) == 1);
    CHECK(bench.broken == "");
  }
}

TEST_CASE("a declined grant goes elsewhere at once, and not back before free is said") {
  Bench bench(true);
  end_first_copies(bench);
  const SessionId first = bench.join_own(true);
  const SessionId second = bench.join_own(true);
  REQUIRE(grants_to(bench, first) == 1);
  CHECK(named_to(bench, first) == any_piece);
  bench.say_grant(first, GrantKind::decline);
  CHECK(grants_to(bench, second) == 1);
  bench.say_grant(second, GrantKind::decline);
  CHECK(grants_to(bench, first) == 1);
  bench.say_grant(first, GrantKind::decline);  // of nothing
  bench.say_grant(first, GrantKind::free, 0);
  CHECK(grants_to(bench, first) == 2);
  CHECK(bench.broken == "");
}

TEST_CASE("who is granted and never asks loses the slot to another") {
  Bench bench(true);
  const SessionId mute = bench.join_own(true);
  const SessionId other = bench.join_own(true);
  CHECK(grants_to(bench, mute) == 1);
  bench.run(1s);
  CHECK(grants_to(bench, other) >= 1);
  const uint32_t before = grants_to(bench, mute);
  bench.run(10s);
  CHECK(grants_to(bench, mute) < before + 5);  // more and more seldom
  bench.run(300s);
  CHECK(grants_to(bench, mute) < before + 11);
  CHECK(bench.broken == "");
}

TEST_CASE("however many are granted and never ask, who takes its pieces is not kept from a slot") {
  Bench bench(true, 64);
  std::vector<SessionId> mute;
  for (int peer = 0; peer < 150; ++peer) {
    mute.push_back(bench.join_own(true));
  }
  bench.run(2s);  // enough of them were granted something to be noticed
  const SessionId honest = bench.join_own(true);
  size_t answered = 0;  // of the grants to it
  for (int tick = 0; tick < 100; ++tick) {
    bench.run(100ms);
    for (std::vector<GrantMessage> said = bench.sink.said_grants(honest); answered < said.size();
         ++answered, said = bench.sink.said_grants(honest)) {
      const auto* session = bench.swarm().session(honest);
      const uint32_t named = said[answered].value;
      const uint32_t piece = named == any_piece ? session->pieces.find_unset(0) : named;
      ask(bench, honest, whole(piece));
      if (session->sending_bytes > 0) {
        bench.swarm().block_sent(honest, piece_bytes, bench.now);
        bench.say(honest, {.type = MessageType::have, .piece = {piece}});
      }
    }
    for (const SessionId id : mute) {
      bench.say_grant(id, GrantKind::free, 0);
    }
  }
  CHECK(bench.sink.has_closed(honest, CloseReason::both_complete));  // within ten seconds
  CHECK(bench.broken == "");
}

TEST_CASE("who asks and does not read, or never says what came, loses the slot to another") {
  for (const bool reads : {false, true}) {
    CAPTURE(reads);
    Bench bench(true);
    const SessionId idle = bench.join_own(true);
    const SessionId other = bench.join_own(true);
    ask(bench, idle, whole(named_to(bench, idle)));
    if (reads) {
      bench.swarm().block_sent(idle, piece_bytes, bench.now);
      bench.check();
    }
    CHECK(grants_to(bench, other) == 0);
    bench.run(reads ? 3s : 1s);
    CHECK(grants_to(bench, other) >= 1);
    CHECK(bench.broken == "");
  }
}

TEST_CASE("who says free and declines for ever is asked more and more seldom") {
  Bench bench(true);
  end_first_copies(bench);
  const SessionId id = bench.join_own(true);
  for (int round = 0; round < 1000; ++round) {
    bench.say_grant(id, GrantKind::decline);
    bench.say_grant(id, GrantKind::free, 0);
  }
  CHECK(grants_to(bench, id) < 12);
  bench.run(10s);
  CHECK(grants_to(bench, id) < 20);
  CHECK(bench.broken == "");
}

TEST_CASE("a flood of free, busy and endings of nothing moves nothing") {
  Bench bench(true);
  const SessionId id = bench.join_own(true);
  for (int round = 0; round < 1000; ++round) {
    bench.say_grant(id, GrantKind::free, 0);
    bench.say_grant(id, GrantKind::busy, 0);
    bench.say_grant(id, GrantKind::ending, static_cast<uint32_t>(round));
    bench.say_grant(id, GrantKind::claim, static_cast<uint32_t>(round));
    bench.say_grant(id, GrantKind::unclaim, any_piece);
    bench.say_grant(id, static_cast<GrantKind>(99), 0);
  }
  CHECK(bench.sink.said_grants(id).size() == 1);
  const std::vector<uint8_t> odd(3, 0);
  bench.say(id, {.type = MessageType::extended,
                 .payload = odd,
                 .extended_id = murder::codec::grant_extension_id});
  CHECK(bench.sink.has_closed(id, CloseReason::protocol_error));
  CHECK(bench.broken == "");
}

TEST_CASE("a seeder gives each piece once, in order, and what is declined again") {
  Bench bench(true);
  std::vector<SessionId> peers;
  for (int peer = 0; peer < 4; ++peer) {
    peers.push_back(bench.join_own(true));
  }
  std::vector<uint32_t> named;
  for (uint32_t count = 0; count < 8; ++count) {
    for (const SessionId id : peers) {
      const std::vector<GrantMessage> said = bench.sink.said_grants(id);
      if (said.empty() || bench.swarm().session(id)->grants.grants == 0) {
        continue;
      }
      if (count == 2 && named.size() == 2) {
        bench.say_grant(id, GrantKind::decline, said.back().value);
        bench.say_grant(id, GrantKind::free, 0);
        break;
      }
    }
    for (const SessionId id : peers) {
      if (bench.swarm().session(id)->grants.grants > 0) {
        const uint32_t piece = named_to(bench, id);
        named.push_back(piece);
        ask(bench, id, whole(piece));
        bench.swarm().block_sent(id, piece_bytes, bench.now);
        bench.say(id, {.type = MessageType::have, .piece = {piece}});
        break;
      }
    }
  }
  CHECK(named == std::vector<uint32_t>{0, 1, 2, 3, 4, 5, 6, 7});
  CHECK(bench.broken == "");
}

TEST_CASE("what was given to one that is gone before it had it is given again") {
  Bench bench(true);
  const SessionId first = bench.join_own(true);
  ask(bench, first, whole(named_to(bench, first)));
  bench.swarm().block_sent(first, piece_bytes, bench.now);
  bench.say_grant(first, GrantKind::ending, 0);
  CHECK(named_to(bench, first) == 1);
  bench.swarm().end(first, CloseReason::remote_closed, bench.now);
  bench.swarm().closed(first, bench.now);
  const SessionId second = bench.join_own(true);
  CHECK(named_to(bench, second) == 0);
  CHECK(bench.broken == "");
}

TEST_CASE("a slow neighbour is not given first copies while others are there, and holds no slot") {
  Bench bench(true, 64);
  std::vector<SessionId> peers;
  for (int peer = 0; peer < 9; ++peer) {
    peers.push_back(bench.join_own(false));
    bench.say_grant(peers.back(), GrantKind::free, peer == 0 ? 1000 : 10000);
    take_one(bench, peers.back());
    bench.say_grant(peers.back(), GrantKind::decline, named_to(bench, peers.back()));
    bench.say_grant(peers.back(), GrantKind::busy, 0);
  }
  // The rates are compared at a tick; what was granted until then is over.
  for (const SessionId id : peers) {
    for (const GrantMessage& said : bench.sink.said_grants(id)) {
      bench.say_grant(id, GrantKind::decline, said.value);
    }
  }
  bench.run(200ms);
  const uint32_t before = grants_to(bench, peers[0]);
  bench.say_grant(peers[0], GrantKind::free, 1000);
  REQUIRE(grants_to(bench, peers[0]) == before + 1);
  CHECK(named_to(bench, peers[0]) == any_piece);  // nobody else is free: something, not the next
  bench.say_grant(peers[1], GrantKind::free, 10000);
  bench.say_grant(peers[2], GrantKind::free, 10000);
  CHECK(named_to(bench, peers[1]) != any_piece);
  CHECK(bench.swarm().session(peers[1])->grants.grants +
            bench.swarm().session(peers[2])->grants.grants ==
        2);
  CHECK(bench.broken == "");
}

TEST_CASE("rates of neighbours that take nothing do not make a good one look slow") {
  Bench bench(true, 64);
  std::vector<SessionId> mute;
  for (int peer = 0; peer < 9; ++peer) {
    mute.push_back(bench.join_own(true));
    bench.say_grant(mute.back(), GrantKind::free, 1'000'000);
  }
  bench.run(5s);  // each was granted something
  const SessionId honest = bench.join_own(false);
  bench.say_grant(honest, GrantKind::free, 1000);
  CHECK(grants_to(bench, honest) == 1);
  CHECK(named_to(bench, honest) != any_piece);  // a first copy, which a slow one does not get
  CHECK(bench.broken == "");
}

TEST_CASE("a host of another rack is served before one of this rack") {
  Bench bench(true, 8, "r1");
  end_first_copies(bench);
  const SessionId first = bench.join_own(true, "r1");
  std::vector<SessionId> mates;
  for (int peer = 0; peer < 6; ++peer) {
    mates.push_back(bench.join_own(true, "r1"));
  }
  const SessionId outside = bench.join_own(true, "r2");
  REQUIRE(grants_to(bench, first) == 1);
  bench.say_grant(first, GrantKind::decline);
  CHECK(grants_to(bench, outside) == 1);
  CHECK(bench.broken == "");
}

TEST_CASE("a host that gave other racks their part serves its mates first") {
  for (const uint32_t given : {4U, 9U}) {  // of 8 pieces: with one mate, its part is six and two
    CAPTURE(given);
    Bench bench(true, 8, "r1");
    end_first_copies(bench);
    const SessionId taker = bench.join_own(true, "r2");
    const SessionId mate = bench.join_own(false, "r1");
    for (uint32_t piece = 0; piece < given; ++piece) {
      ask(bench, taker, whole(piece % 7));
      bench.swarm().block_sent(taker, piece_bytes, bench.now);
      bench.say_grant(taker, GrantKind::ending, piece % 7);
      bench.say(taker, {.type = MessageType::have, .piece = {piece % 7}});
    }
    const SessionId outside = bench.join_own(true, "r2");
    bench.say_grant(mate, GrantKind::free);
    const uint32_t before = grants_to(bench, mate) + grants_to(bench, outside);
    REQUIRE(before == 0);
    bench.say_grant(taker, GrantKind::busy);
    bench.say_grant(taker, GrantKind::decline);
    CHECK(grants_to(bench, given == 4 ? outside : mate) == 1);
    CHECK(grants_to(bench, given == 4 ? mate : outside) == 0);
    CHECK(bench.broken == "");
  }
}

TEST_CASE("a host that is told its rack has mates there, but not those that came before") {
  Bench bench(true, 8);
  const SessionId before = bench.join_own(true, "r1");
  bench.swarm().rack_told("r1");
  bench.check();
  const SessionId mate = bench.join_own(true, "r1");
  const SessionId outside = bench.join_own(true, "r2");
  end_first_copies(bench);
  bench.say_grant(before, GrantKind::decline);
  CHECK(grants_to(bench, outside) == 1);
  bench.say_grant(outside, GrantKind::decline);
  CHECK(grants_to(bench, mate) == 1);
  const bool says_it =
      std::any_of(bench.sink.sent.begin(), bench.sink.sent.end(), [&](const auto& one) {
        return one.session == mate && one.message.extended_id == 0 &&
               std::string(one.payload.begin(), one.payload.end()).find("r1") != std::string::npos;
      });
  CHECK(says_it);
  bench.swarm().rack_told("r9");  // it stays where it is
  CHECK(bench.broken == "");
}
