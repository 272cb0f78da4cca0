// One swarm, and peers that keep to the protocol or break it.
#include <doctest/doctest.h>

#include "recorder.h"
#include "sizes.h"

using murder::BlockRange;
using murder::PieceIndex;
using murder::codec::MessageType;
using murder::codec::PeerMessage;
using murder::swarm::CloseReason;
using murder::swarm::SessionId;
using murder::test::Bench;
using murder::test::KiB;
using namespace std::chrono_literals;
namespace limits = murder::limits;

namespace {

BlockRange block(uint32_t piece, uint32_t offset, uint32_t size_bytes = 16 * KiB) {
  return {PieceIndex{piece}, offset, size_bytes};
}

bool is_open(Bench& bench, SessionId id) {
  const auto* session = bench.swarm().session(id);
  return session != nullptr && session->state == murder::swarm::Session::State::open;
}

}  // namespace

// --- what the peer has ---------------------------------------------------------------------------

TEST_CASE("a bitfield of a wrong length or with spare bits ends the session, at any time") {
  const std::vector<uint8_t> right = {0x0F};
  const std::vector<uint8_t> longer = {0x0F, 0x00};
  SUBCASE("too long") {
    Bench bench(false);
    const SessionId id = bench.join();
    bench.say(id, {.type = MessageType::bitfield, .payload = longer});
    CHECK(bench.sink.has_closed(id, CloseReason::protocol_error));
    CHECK(bench.broken == "");
  }
  SUBCASE("empty") {
    Bench bench(false);
    const SessionId id = bench.join();
    bench.say(id, {.type = MessageType::bitfield});
    CHECK(bench.sink.has_closed(id, CloseReason::protocol_error));
  }
  SUBCASE("spare bits") {
    Bench bench(false, 7);
    const SessionId id = bench.join();
    bench.say(id, {.type = MessageType::bitfield, .payload = right});
    CHECK(bench.sink.has_closed(id, CloseReason::protocol_error));
  }
  SUBCASE("after a right one") {
    Bench bench(false);
    const SessionId id = bench.join();
    bench.say(id, {.type = MessageType::bitfield, .payload = right});
    CHECK(is_open(bench, id));
    bench.say(id, {.type = MessageType::bitfield, .payload = longer});
    CHECK(bench.sink.has_closed(id, CloseReason::protocol_error));
    CHECK(bench.broken == "");
  }
}

TEST_CASE("a bitfield that comes late adds to what the peer has") {
  const std::vector<uint8_t> half = {0x0F};
  const std::vector<std::pair<MessageType, uint32_t>> cases = {
      {MessageType::bitfield, 5}, {MessageType::have_all, 8}, {MessageType::have_none, 1}};
  for (const auto& [type, count] : cases) {
    Bench bench(false);
    const SessionId id = bench.join();
    bench.say(id, {.type = MessageType::have, .piece = {3}});
    bench.say(id, {.type = type, .payload = half});
    bench.say(id, {.type = type, .payload = half});
    REQUIRE(is_open(bench, id));
    CHECK(bench.swarm().session(id)->pieces.count() == count);
    CHECK(bench.swarm().session(id)->useful_count == count);
    bench.swarm().end(id, CloseReason::remote_closed, bench.now);
    bench.check();
    CHECK(bench.broken == "");
  }
}

TEST_CASE("a have out of range ends the session, one told twice counts once") {
  Bench bench(false);
  const SessionId id = bench.join();
  bench.say(id, {.type = MessageType::have, .piece = {7}});
  bench.say(id, {.type = MessageType::have, .piece = {7}});
  CHECK(is_open(bench, id));
  CHECK(bench.swarm().session(id)->useful_count == 1);
  CHECK(bench.broken == "");
  bench.say(id, {.type = MessageType::have, .piece = {8}});
  CHECK(bench.sink.has_closed(id, CloseReason::protocol_error));
  CHECK(bench.broken == "");
}

TEST_CASE("interest follows what the peer has that we lack") {
  Bench bench(false);
  const SessionId id = bench.join();
  CHECK(bench.sink.said(id, MessageType::interested).empty());
  bench.say(id, {.type = MessageType::have, .piece = {2}});
  CHECK(bench.sink.said(id, MessageType::interested).size() == 1);
  bench.say(id, {.type = MessageType::unchoke});
  for (const BlockRange& asked : bench.sink.said(id, MessageType::request)) {
    CHECK(asked.piece.raw == 2);
    bench.deliver(id, asked);
  }
  for (const BlockRange& asked : bench.sink.said(id, MessageType::request)) {
    bench.deliver(id, asked);  // those asked after the first answers
  }
  REQUIRE(bench.sink.verifying.size() == 1);
  bench.swarm().piece_verified(bench.sink.verifying[0].buffer, true, bench.now);
  bench.swarm().piece_stored(bench.sink.storing[0].buffer, bench.now);
  CHECK(bench.sink.said(id, MessageType::not_interested).size() == 1);
  CHECK(bench.sink.said(id, MessageType::have).size() == 1);
}

// --- payload -------------------------------------------------------------------------------------

TEST_CASE("a whole piece may be awaited while a neighbour lacks something, or by another shard") {
  Bench bench(false);
  CHECK_FALSE(bench.swarm().has_waiting_neighbour());
  (void)bench.join_seed();
  CHECK_FALSE(bench.swarm().has_waiting_neighbour());
  const SessionId id = bench.join();
  for (uint32_t piece = 0; piece < bench.geometry.piece_count(); ++piece) {
    CHECK(bench.swarm().has_waiting_neighbour());
    bench.say(id, {.type = MessageType::have, .piece = {piece}});
  }
  CHECK_FALSE(bench.swarm().has_waiting_neighbour());
  murder::test::Recorder sink;
  murder::swarm::SwarmConfig config;
  config.geometry = bench.geometry;
  config.leased = true;
  const murder::BitSet none(bench.geometry.piece_count());
  murder::swarm::Swarm shard(config, none, murder::Prng(1), sink);
  CHECK(shard.has_waiting_neighbour());
}

TEST_CASE("blocks are asked of a peer that unchokes us, and answers count in any order") {
  Bench bench(false);
  const SessionId id = bench.join_seed();
  uint32_t delivered = 0;
  for (uint32_t round = 0; round < 100 && delivered < 32; ++round) {
    std::vector<BlockRange> asked = bench.sink.said(id, MessageType::request);
    REQUIRE(asked.size() > delivered);
    const auto open = std::span(asked).subspan(delivered);
    std::reverse(open.begin(), open.end());
    for (const BlockRange& one : open) {
      CHECK(one.size_bytes == 16 * KiB);
      CHECK(bench.deliver(id, one).wanted);
      ++delivered;
    }
    for (const auto& [buffer, piece] : std::exchange(bench.sink.verifying, {})) {
      bench.swarm().piece_verified(buffer, true, bench.now);
    }
    for (const auto& [buffer, piece] : std::exchange(bench.sink.storing, {})) {
      bench.swarm().piece_stored(buffer, bench.now);
    }
    bench.check();
  }
  CHECK(bench.swarm().complete());
  CHECK(bench.sink.completed_count == 1);
  CHECK(bench.swarm().stats().wasted_bytes == 0);
  CHECK(bench.broken == "");
}

TEST_CASE("payload nobody asked for is thrown away, and too much of it ends the session") {
  Bench bench(false);
  const SessionId id = bench.join_seed();
  const uint32_t most = limits::unrequested_bytes_max / (16 * KiB);
  for (uint32_t count = 0; count < most; ++count) {
    CHECK_FALSE(bench.deliver(id, block(1000 + count, 5)).wanted);
  }
  CHECK(is_open(bench, id));
  CHECK_FALSE(bench.deliver(id, block(0, 0, UINT32_MAX)).wanted);
  CHECK(bench.sink.has_closed(id, CloseReason::unrequested_data));
  CHECK(bench.broken == "");
}

TEST_CASE("a part of what was asked for, or more than it, is not what was asked for") {
  Bench bench(false);
  const SessionId id = bench.join_seed();
  const BlockRange asked = bench.sink.said(id, MessageType::request).front();
  CHECK_FALSE(bench.deliver(id, {asked.piece, asked.offset, asked.size_bytes - 1}).wanted);
  CHECK_FALSE(bench.deliver(id, {asked.piece, asked.offset, asked.size_bytes + 1}).wanted);
  CHECK(bench.deliver(id, asked).wanted);
  CHECK_FALSE(bench.deliver(id, asked).wanted);  // once
  CHECK(bench.broken == "");
}

TEST_CASE("a choke without the fast extension takes requests back; late answers are welcome") {
  Bench bench(false);
  const SessionId id = bench.join_seed(false);
  const std::vector<BlockRange> asked = bench.sink.said(id, MessageType::request);
  REQUIRE(asked.size() >= 2);
  bench.say(id, {.type = MessageType::choke});
  CHECK(bench.swarm().session(id)->requested.empty());
  CHECK(bench.sink.disarming.size() == 1);
  CHECK(bench.deliver(id, asked[1]).wanted);  // was under way
  bench.disarm_all();
  CHECK_FALSE(bench.deliver(id, asked[0]).wanted);
  CHECK(bench.swarm().session(id)->wasted_bytes == 0);  // it is not to blame
  CHECK(bench.sink.said(id, MessageType::request).size() == asked.size());
  bench.say(id, {.type = MessageType::unchoke});
  CHECK(bench.sink.said(id, MessageType::request).size() > asked.size());
  CHECK(bench.broken == "");
}

TEST_CASE("a choke with the fast extension leaves requests to be answered or rejected") {
  Bench bench(false);
  const SessionId id = bench.join_seed();
  const std::vector<BlockRange> asked = bench.sink.said(id, MessageType::request);
  REQUIRE(asked.size() >= 2);
  bench.say(id, {.type = MessageType::choke});
  CHECK(bench.swarm().session(id)->requested.size() == asked.size());
  CHECK(bench.deliver(id, asked[0]).wanted);
  bench.say(id, MessageType::reject_request, asked[1]);
  CHECK(bench.swarm().session(id)->requested.size() == asked.size() - 2);
  bench.disarm_all();
  const SessionId other = bench.join_seed();
  const std::vector<BlockRange> taken_over = bench.sink.said(other, MessageType::request);
  CHECK(std::find(taken_over.begin(), taken_over.end(), asked[1]) != taken_over.end());
  CHECK(bench.broken == "");
}

TEST_CASE("a reject is believed once, and the peer is asked again after a pause") {
  Bench bench(false);
  const SessionId id = bench.join_seed();
  const std::vector<BlockRange> asked = bench.sink.said(id, MessageType::request);
  for (const BlockRange& one : asked) {
    bench.say(id, MessageType::reject_request, one);
    bench.say(id, MessageType::reject_request, one);
  }
  bench.say(id, MessageType::reject_request, block(99, 0));
  bench.disarm_all();
  CHECK(bench.sink.said(id, MessageType::request).size() == asked.size());
  bench.run(1s);
  CHECK(bench.sink.said(id, MessageType::request).size() > asked.size());
  CHECK(bench.broken == "");
}

TEST_CASE("a piece from one peer that fails its hash bars that peer") {
  Bench bench(false, 1);
  const SessionId id = bench.join_seed();
  for (uint32_t count = 0; count < 4; ++count) {
    bench.deliver(id, bench.sink.said(id, MessageType::request).at(count));
  }
  REQUIRE(bench.sink.verifying.size() == 1);
  bench.swarm().piece_verified(bench.sink.verifying[0].buffer, false, bench.now);
  CHECK(bench.sink.has_closed(id, CloseReason::wrong_data));
  bench.swarm().closed(id, bench.now);
  bench.check();
  CHECK(bench.swarm().wanted_count() == 1);
  CHECK(bench.swarm().stats().failed_pieces == 1);
  CHECK(bench.broken == "");
}

TEST_CASE(
    "a piece of two peers that fails is fetched from one alone, so that the culprit is known") {
  Bench bench(false, 1);
  const SessionId liar = bench.join_seed();
  const SessionId good = bench.join_seed();
  size_t delivered = 0;
  const auto deliver_all = [&] {
    for (bench.sink.verifying.clear(); bench.sink.verifying.empty(); ++delivered) {
      bench.run(murder::swarm::Swarm::tick_interval);
      std::vector<std::pair<SessionId, BlockRange>> asked;
      for (const auto& one : bench.sink.sent) {
        if (one.message.type == MessageType::request) {
          asked.emplace_back(one.session, one.message.block());
        }
      }
      REQUIRE(asked.size() > delivered);
      REQUIRE(bench.deliver(asked[delivered].first, asked[delivered].second).wanted);
    }
  };
  deliver_all();
  CHECK(bench.sink.said(liar, MessageType::request).size() == 2);
  CHECK(bench.sink.said(good, MessageType::request).size() == 2);
  bench.swarm().piece_verified(bench.sink.verifying[0].buffer, false, bench.now);
  CHECK(bench.sink.closed.empty());  // it may have been either
  deliver_all();
  REQUIRE(bench.sink.said(liar, MessageType::request).size() == 6);
  CHECK(bench.sink.said(good, MessageType::request).size() == 2);
  bench.swarm().piece_verified(bench.sink.verifying[0].buffer, false, bench.now);
  CHECK(bench.sink.has_closed(liar, CloseReason::wrong_data));
  bench.swarm().closed(liar, bench.now);
  deliver_all();
  bench.swarm().piece_verified(bench.sink.verifying[0].buffer, true, bench.now);
  bench.swarm().piece_stored(bench.sink.storing.at(0).buffer, bench.now);
  CHECK(bench.swarm().complete());
  CHECK(is_open(bench, good));
  CHECK(bench.broken == "");
}

// --- what is asked of us -------------------------------------------------------------------------

TEST_CASE("requests that cannot be served are rejected, and a flood of them ends the session") {
  Bench bench(true);
  const SessionId id = bench.join();
  bench.say(id, MessageType::request, block(0, 0));  // before interest, so still choked
  CHECK(bench.sink.said(id, MessageType::reject_request).size() == 1);
  bench.say(id, {.type = MessageType::interested});
  CHECK(bench.sink.said(id, MessageType::unchoke).size() == 1);
  const std::vector<BlockRange> bad = {block(8, 0),         block(UINT32_MAX, 0),   block(0, 65536),
                                       block(0, 65536 - 1), block(0, UINT32_MAX),   block(0, 0, 0),
                                       block(0, 0, 65537),  block(0, 0, UINT32_MAX)};
  for (const BlockRange& one : bad) {
    bench.say(id, MessageType::request, one);
  }
  CHECK(bench.sink.said(id, MessageType::reject_request).size() == 1 + bad.size());
  CHECK(bench.sink.sent_blocks.empty());
  for (uint32_t count = 0; count < limits::refused_requests_max; ++count) {
    bench.say(id, MessageType::request, block(8, 0));
  }
  CHECK(bench.sink.has_closed(id, CloseReason::request_flood));
  CHECK(bench.broken == "");
}

TEST_CASE("no more requests wait than announced, and no more is handed on than the window") {
  Bench bench(true);
  const SessionId id = bench.join();
  bench.say(id, {.type = MessageType::interested});
  for (uint32_t count = 0; count < 1000; ++count) {
    bench.say(id, MessageType::request, block(count % 8, 0, 1 + count));
  }
  CHECK(bench.sink.sent_blocks.size() == limits::send_window_blocks);
  const size_t waiting = limits::requests_queued_max;
  CHECK(bench.sink.said(id, MessageType::reject_request).size() ==
        1000 - waiting - bench.sink.sent_blocks.size());
  for (size_t count = 0; count < bench.sink.sent_blocks.size(); ++count) {
    bench.swarm().block_sent(id, bench.sink.sent_blocks[count].second.size_bytes, bench.now);
    bench.check();
  }
  CHECK(bench.sink.sent_blocks.size() == limits::send_window_blocks + waiting);
  CHECK(bench.broken == "");
}

TEST_CASE("a cancelled request is rejected and not sent; others are served at once") {
  Bench bench(true, 16);
  std::vector<SessionId> peers;
  for (int peer = 0; peer < 6; ++peer) {
    peers.push_back(bench.join());
    bench.say(peers.back(), {.type = MessageType::interested});
  }
  // Four are served and their windows full; the last two wait.
  for (const SessionId id : peers) {
    for (uint32_t count = 0; count < 10; ++count) {
      bench.say(id, MessageType::request, block(count, 0, 65536));
    }
  }
  const size_t before = bench.sink.sent_blocks.size();
  bench.say(peers[4], MessageType::cancel, block(0, 0, 65536));
  CHECK(bench.sink.said(peers[4], MessageType::reject_request).size() == 1);
  bench.say(peers[4], MessageType::cancel, block(0, 0, 65536));  // once
  bench.say(peers[4], MessageType::cancel, block(77, 1, 2));
  CHECK(bench.sink.said(peers[4], MessageType::reject_request).size() == 1);
  bench.swarm().end(peers[0], CloseReason::remote_closed, bench.now);
  bench.check();
  CHECK(bench.sink.sent_blocks.size() > before);
  CHECK(bench.sink.sent_blocks.back().first == peers[4]);
  CHECK(bench.sink.sent_blocks[before].second.piece.raw == 1);
  CHECK(bench.broken == "");
}

TEST_CASE("whoever waits in line is served when a piece of another is sent") {
  Bench bench(true, 32);
  std::vector<SessionId> peers;
  for (int peer = 0; peer < 5; ++peer) {
    peers.push_back(bench.join());
    bench.say(peers.back(), {.type = MessageType::interested});
    for (uint32_t piece = 0; piece < 32; ++piece) {
      bench.say(peers.back(), MessageType::request, block(piece, 0, 65536));
    }
  }
  const size_t windows = 4 * (limits::send_window_bytes / 65536);
  REQUIRE(bench.sink.sent_blocks.size() == windows);
  bench.swarm().block_sent(peers[0], 65536, bench.now);
  CHECK(bench.sink.sent_blocks.at(windows).first == peers[4]);
  for (size_t count = 1; count < bench.sink.sent_blocks.size(); ++count) {
    const auto [id, sent] = bench.sink.sent_blocks[count];
    bench.swarm().block_sent(id, sent.size_bytes, bench.now);
    bench.check();
  }
  CHECK(bench.sink.sent_blocks.size() == 5 * 32);
  CHECK(bench.broken == "");
}

TEST_CASE("one that takes nothing does not keep the others waiting") {
  Bench bench(true, 16);
  std::vector<SessionId> peers;
  for (int peer = 0; peer < 5; ++peer) {
    peers.push_back(bench.join());
    bench.say(peers.back(), {.type = MessageType::interested});
    for (uint32_t count = 0; count < 16; ++count) {
      bench.say(peers.back(), MessageType::request, block(0, 4096 * count, 4096));
    }
  }
  const auto sent_to_last = [&] {
    return std::count_if(bench.sink.sent_blocks.begin(), bench.sink.sent_blocks.end(),
                         [&](const auto& one) { return one.first == peers[4]; });
  };
  CHECK(sent_to_last() == 0);
  bench.run(500ms);
  CHECK(sent_to_last() == 16);
  CHECK(bench.broken == "");
}

// --- beginnings and ends -------------------------------------------------------------------------

TEST_CASE("another release, ourselves and a second connection of a peer are not let in") {
  Bench bench(true);
  const SessionId first = bench.join();
  const murder::Endpoint remote = {murder::IpAddress::from_v4(std::array<uint8_t, 4>{10, 0, 0, 1}),
                                   1};
  murder::codec::Handshake handshake{.fast_extension = true};
  handshake.peer_id.bytes[0] = 1;
  const SessionId twin = bench.swarm().accept(remote, bench.now);
  bench.swarm().received(twin, handshake, bench.now);
  CHECK(bench.sink.has_closed(twin, CloseReason::duplicate));
  CHECK(is_open(bench, first));
  handshake.info_hash.bytes[3] = 7;
  const SessionId other = bench.swarm().accept(remote, bench.now);
  bench.swarm().received(other, handshake, bench.now);
  CHECK(bench.sink.has_closed(other, CloseReason::wrong_info_hash));
  // The side that dialled ourselves learns it from our handshake and bars the address.
  bench.swarm().add_candidates(std::span(&remote, 1), bench.now);
  REQUIRE(bench.sink.dialed.size() == 1);
  const SessionId self = bench.sink.dialed[0];
  bench.swarm().dialed(self, bench.now);
  handshake = {};
  handshake.peer_id.bytes[0] = 255;
  bench.swarm().received(self, handshake, bench.now);
  CHECK(bench.sink.has_closed(self, CloseReason::self));
  bench.swarm().closed(self, bench.now);
  bench.run(100s);
  CHECK(bench.sink.dialed.size() == 1);
  CHECK(bench.broken == "");
}

TEST_CASE("whoever says nothing is let go: dial, handshake, silence") {
  Bench bench(false);
  const murder::Endpoint remote = {murder::IpAddress::from_v4(std::array<uint8_t, 4>{10, 0, 0, 9}),
                                   1};
  bench.swarm().add_candidates(std::span(&remote, 1), bench.now);
  const SessionId dialed = bench.sink.dialed.at(0);
  const SessionId mute = bench.swarm().accept(remote, bench.now);
  const SessionId silent = bench.join();
  bench.run(limits::dial_timeout + 200ms);
  CHECK(bench.sink.has_closed(dialed, CloseReason::dial_failed));
  bench.run(limits::handshake_timeout);
  CHECK(bench.sink.has_closed(mute, CloseReason::handshake_timeout));
  CHECK(is_open(bench, silent));
  bench.run(limits::silence_timeout);
  CHECK(bench.sink.has_closed(silent, CloseReason::silent));
  CHECK(bench.sink.said(silent, MessageType::keep_alive).size() == 2);
  CHECK(bench.broken == "");
}

TEST_CASE("after stop nobody is let in or dialled, and every session ends once") {
  Bench bench(true);
  const SessionId first = bench.join();
  const SessionId second = bench.join();
  bench.swarm().stop(bench.now);
  CHECK(bench.sink.closed.size() == 2);
  CHECK(bench.swarm()
            .accept({murder::IpAddress::from_v4(std::array<uint8_t, 4>{10, 0, 0, 9}), 1}, bench.now)
            .is_none());
  bench.swarm().closed(first, bench.now);
  bench.swarm().closed(second, bench.now);
  bench.run(1s);
  CHECK(bench.swarm().session_count() == 0);
  CHECK(bench.sink.closed.size() == 2);
}

TEST_CASE("what comes for a session that ended is ignored") {
  Bench bench(false);
  const SessionId id = bench.join_seed();
  const BlockRange asked = bench.sink.said(id, MessageType::request).front();
  bench.swarm().end(id, CloseReason::remote_closed, bench.now);
  for (const bool freed : {false, true}) {
    if (freed) {
      bench.swarm().closed(id, bench.now);
    }
    bench.say(id, {.type = MessageType::have, .piece = {1}});
    CHECK_FALSE(bench.deliver(id, asked).wanted);
    bench.swarm().disarmed(id, bench.now);
    bench.swarm().block_sent(id, 1, bench.now);
    bench.swarm().bytes_received(id, 1, bench.now);
    bench.swarm().received(id, murder::codec::Handshake{}, bench.now);
    bench.swarm().dialed(id, bench.now);
    bench.swarm().end(id, CloseReason::silent, bench.now);
    bench.check();
  }
  CHECK(bench.sink.closed.size() == 1);
  CHECK(bench.swarm().session_count() == 0);
  CHECK(bench.broken == "");
}
