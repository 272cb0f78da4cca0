#include "engine/node/link_receiver.h"

#include <doctest/doctest.h>

#include <array>

#include "../../content.h"
#include "receiver_driver.h"

using namespace murder;
using namespace murder::test;
using codec::MessageType;
using node::LinkReceiver;
using swarm::CloseReason;

namespace {

using Kind = LinkReceiver::Event::Kind;

// What a peer sends, as bytes.
struct Wire {
  std::vector<uint8_t> bytes;

  Wire& handshake() {
    bytes.resize(codec::handshake_bytes);
    codec::Handshake handshake;
    handshake.peer_id.bytes[3] = 7;
    codec::encode_handshake(handshake, std::span(bytes).first<codec::handshake_bytes>());
    return *this;
  }
  Wire& message(const codec::PeerMessage& message) {
    const size_t before = bytes.size();
    bytes.resize(before + codec::encoded_bytes(message));
    codec::encode_message(message, std::span(bytes).subspan(before));
    return *this;
  }
  Wire& block(const BlockRange& block, Prng& prng) {
    message({.type = MessageType::piece,
             .piece = block.piece,
             .offset = block.offset,
             .size_bytes = block.size_bytes});
    const std::vector<uint8_t> payload = random_bytes(prng, block.size_bytes);
    bytes.insert(bytes.end(), payload.begin(), payload.end());
    return *this;
  }
  Wire& raw(std::initializer_list<uint8_t> more) {
    bytes.insert(bytes.end(), more);
    return *this;
  }
};

// In receives of at most `size_bytes_max`.
std::vector<std::string> read(const Wire& wire, const AskedBlocks& asked, size_t size_bytes_max) {
  ReceiverDriver driver(asked);
  std::span<const uint8_t> rest = wire.bytes;
  while (!rest.empty() && !driver.has_failed()) {
    rest = rest.subspan(driver.receive(rest, size_bytes_max));
  }
  return driver.trace;
}

// Answers in order, in any order, answers nobody asked for, and messages in between.
Wire random_wire(Prng& prng, const AskedBlocks& asked) {
  Wire wire;
  wire.handshake();
  std::deque<BlockRange> left = asked.outstanding;
  while (!left.empty()) {
    const uint64_t choice = prng.below(10);
    if (choice < 5) {
      wire.block(left.front(), prng);
      left.pop_front();
    } else if (choice == 5) {
      wire.block(left.back(), prng);
      left.pop_back();
    } else if (choice == 6) {
      wire.block({{1}, 0, 1 + prng.below(5000)}, prng);
    } else if (choice == 7) {
      wire.message({.type = MessageType::have, .piece = {prng.below(100)}});
    } else if (choice == 8) {
      const std::vector<uint8_t> payload = random_bytes(prng, prng.below(3000));
      wire.message({.type = MessageType::extended, .payload = payload, .extended_id = 1});
    } else {
      wire.message({.type = MessageType::keep_alive});
    }
  }
  return wire;
}

AskedBlocks ask(std::initializer_list<uint32_t> sizes) {
  AskedBlocks asked;
  for (const uint32_t size : sizes) {
    asked.ask(size);
  }
  return asked;
}

std::string last_of(const Wire& wire) {
  const std::vector<std::string> trace = read(wire, {}, SIZE_MAX);
  CHECK(trace == read(wire, {}, 1));
  return trace.empty() ? "" : trace.back();
}

}  // namespace

TEST_CASE("what came does not depend on where receives are cut") {
  for (uint64_t seed = 1; seed <= 16; ++seed) {
    CAPTURE(seed);
    Prng prng(seed);
    AskedBlocks asked;
    for (uint64_t count = prng.below(90); count > 0; --count) {
      asked.ask(1 + prng.below(1000));
    }
    const Wire wire = random_wire(prng, asked);
    const std::vector<std::string> expected = read_plainly(wire.bytes, asked);
    for (const size_t size_bytes_max : {size_t{1}, size_t{13}, size_t{1000}, SIZE_MAX}) {
      CHECK(read(wire, asked, size_bytes_max) == expected);
    }
    ReceiverDriver driver(asked);
    std::span<const uint8_t> rest = wire.bytes;
    while (!rest.empty()) {
      rest = rest.subspan(driver.receive(rest, 1 + prng.below(4000)));
    }
    CHECK(driver.trace == expected);
  }
}

TEST_CASE("payload that comes in the order it was asked for is not copied") {
  Prng prng(1);
  const AskedBlocks asked = ask({3000, 3000, 500});
  Wire start;
  start.handshake();
  Wire blocks;
  for (const BlockRange& block : asked.outstanding) {
    blocks.block(block, prng);
  }
  std::vector<uint8_t> scratch(20000, 0xaa);
  std::vector<uint8_t> places(asked.next_offset);
  LinkReceiver receiver({.scratch = scratch});
  const auto receive = [&](std::span<const uint8_t> bytes) {
    for (const iovec& segment : receiver.end_segments(UINT64_MAX)) {
      const size_t size = std::min(segment.iov_len, bytes.size());
      std::memcpy(segment.iov_base, bytes.data(), size);
      bytes = bytes.subspan(size);
    }
    CHECK(bytes.empty());
  };
  receiver.begin_segments();
  CHECK_FALSE(receiver.predicts());  // before the handshake nothing was asked for
  receive(start.bytes);
  receiver.received(start.bytes.size());
  CHECK(receiver.next().kind == Kind::handshake);
  CHECK(receiver.next().kind == Kind::none);

  receiver.begin_segments();
  REQUIRE(receiver.predicts());
  for (const BlockRange& block : asked.outstanding) {
    CHECK(receiver.predict(places.data() + block.offset, block.size_bytes));
  }
  receive(blocks.bytes);
  receiver.received(blocks.bytes.size());
  CHECK(receiver.fills_places());
  for (const BlockRange& block : asked.outstanding) {
    const LinkReceiver::Event begin = receiver.next();
    CHECK(begin.kind == Kind::payload_begin);
    CHECK(begin.message.block() == block);
    receiver.place_payload(places.data() + block.offset);
    CHECK(receiver.next().kind == Kind::payload_end);
  }
  CHECK(receiver.next().kind == Kind::none);
  CHECK(std::all_of(scratch.begin(), scratch.end(), [](uint8_t byte) { return byte == 0xaa; }));
  CHECK(std::equal(places.begin(), places.begin() + 3000, blocks.bytes.begin() + 13));
  CHECK(std::equal(places.begin() + 3000, places.begin() + 6000, blocks.bytes.begin() + 3026));
}

TEST_CASE("a receive predicts a bounded number of places, and takes no more than it may") {
  LinkReceiver receiver({});
  Wire start;
  start.handshake();
  receiver.begin_segments();
  const std::span<iovec> first = receiver.end_segments(codec::handshake_bytes);
  REQUIRE(first.size() == 1);
  CHECK(first[0].iov_len == codec::handshake_bytes);
  std::memcpy(first[0].iov_base, start.bytes.data(), start.bytes.size());
  receiver.received(start.bytes.size());
  CHECK(receiver.next().kind == Kind::handshake);

  std::vector<uint8_t> place(512 * 1024);
  const auto predicted = [&](uint32_t size_bytes) {
    receiver.begin_segments();
    uint32_t count = 0;
    while (receiver.predict(place.data(), size_bytes)) {
      ++count;
    }
    return count;
  };
  CHECK(predicted(1) == LinkReceiver::predicted_max);
  CHECK(receiver.end_segments(UINT64_MAX).size() == 2 * LinkReceiver::predicted_max + 1);
  CHECK(predicted(512 * 1024) == 2);
  const std::span<iovec> cut = receiver.end_segments(13 + 512 * 1024 + 13 + 5);
  REQUIRE(cut.size() == 4);
  CHECK(cut[3].iov_len == 5);
}

TEST_CASE("what is no BitTorrent is known by its first byte") {
  CHECK(last_of(Wire().raw({'G'})) == trace_of(CloseReason::not_bittorrent));
  Wire other;
  other.handshake();
  other.bytes[5] = 'X';
  CHECK(last_of(other) == trace_of(CloseReason::not_bittorrent));
  CHECK(last_of(Wire().raw({19, 'B', 'i'})).empty());
}

TEST_CASE("a message that breaks the protocol fails, and nothing behind it is read") {
  const std::string broken = trace_of(CloseReason::protocol_error);
  const std::string too_long = trace_of(CloseReason::message_too_long);
  // An unchoke of two bytes; a piece without payload; one too short for its head.
  CHECK(last_of(Wire().handshake().raw({0, 0, 0, 2, 1, 0, 0, 0, 0, 0})) == broken);
  CHECK(last_of(Wire().handshake().raw({0, 0, 0, 9, 7, 0, 0, 0, 0, 0, 0, 0, 0})) == broken);
  CHECK(last_of(Wire().handshake().raw({0, 0, 0, 5, 7, 0, 0, 0, 0})) == broken);
  // Refused by what they say, before it came.
  CHECK(last_of(Wire().handshake().raw({0, 0, 0, bitfield_bytes_max + 1, 5})) == too_long);
  CHECK(last_of(Wire().handshake().raw({0, 1, 0, 1, 20})) == too_long);
  CHECK(last_of(Wire().handshake().raw({0, 16, 0, 10, 7})) == too_long);
  CHECK(last_of(Wire().handshake().raw({255, 255, 255, 255, 7})) == too_long);
}

TEST_CASE("a receiver that is assigned begins anew") {
  Prng prng(3);
  const AskedBlocks asked = ask({1000});
  Wire wire;
  wire.handshake().block(asked.outstanding.front(), prng);
  const size_t size = wire.bytes.size();
  for (const size_t cut : {size_t{1}, size_t{30}, codec::handshake_bytes, size_t{75}, size - 1}) {
    ReceiverDriver driver(asked);
    driver.receive(wire.bytes, cut);
    driver.receiver = LinkReceiver(driver.options());
    driver.receiver.begin_segments();
    CHECK_FALSE(driver.receiver.predicts());
    CHECK_FALSE(driver.receiver.fills_places());
    driver.trace.clear();
    driver.receive(Wire().handshake().bytes, SIZE_MAX);
    REQUIRE(driver.trace.size() == 1);
    CHECK(driver.trace[0].substr(0, 9) == "handshake");
  }
}
