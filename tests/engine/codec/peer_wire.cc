#include "engine/codec/peer_wire.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <initializer_list>
#include <string>
#include <vector>

#include "engine/base/prng.h"

using namespace murder;
using namespace murder::codec;

namespace {

std::vector<uint8_t> encode(const PeerMessage& message) {
  std::vector<uint8_t> frame(encoded_bytes(message));
  CHECK(encode_message(message, frame) == frame.size());
  return frame;
}

Result<PeerMessage> decode(std::span<const uint8_t> frame) {
  const FrameHead head = decode_frame_head(frame.first<frame_length_bytes>());
  return decode_message(frame.subspan(frame_length_bytes), head.body_bytes);
}

// One body of this id and this size.
Result<PeerMessage> decode_body(uint8_t id, uint32_t body_bytes) {
  std::vector<uint8_t> body(body_bytes, 0x42);
  body[0] = id;
  return decode_message(body, body_bytes);
}

void check_same(const PeerMessage& a, const PeerMessage& b) {
  CHECK(a.type == b.type);
  CHECK(a.block() == b.block());
  CHECK(a.extended_id == b.extended_id);
  CHECK(std::equal(a.payload.begin(), a.payload.end(), b.payload.begin(), b.payload.end()));
}

}  // namespace

TEST_CASE("the handshake has the bytes of BEP 3, with the bits of BEP 6 and BEP 10") {
  Handshake handshake{.fast_extension = true, .extension_protocol = true};
  handshake.info_hash.bytes.fill('h');
  handshake.peer_id.bytes.fill('p');
  std::array<uint8_t, handshake_bytes> wire{};
  encode_handshake(handshake, wire);
  CHECK(as_text_of(wire) ==
        "\x13"
        "BitTorrent protocol" +
            std::string("\0\0\0\0\0\x10\0\x04", 8) + std::string(20, 'h') + std::string(20, 'p'));
  CHECK(decode_handshake(wire) == handshake);
  handshake.fast_extension = false;
  encode_handshake(handshake, wire);
  CHECK(decode_handshake(wire) == handshake);
  handshake = {.extension_protocol = false};
  encode_handshake(handshake, wire);
  CHECK(decode_handshake(wire) == handshake);
}

TEST_CASE("any other protocol name is no handshake") {
  std::array<uint8_t, handshake_bytes> wire{};
  encode_handshake({}, wire);
  for (size_t index = 0; index < 20; ++index) {
    std::array<uint8_t, handshake_bytes> damaged = wire;
    damaged[index] ^= 0x20U;
    CHECK_FALSE(decode_handshake(damaged));
  }
  // Reserved bits of others are no obstacle.
  std::fill(wire.begin() + 20, wire.begin() + 28, uint8_t{0xff});
  CHECK(decode_handshake(wire)->fast_extension);
}

TEST_CASE("messages have the bytes of BEP 3") {
  const auto text = [](const PeerMessage& message) {
    const std::vector<uint8_t> frame = encode(message);
    return std::string(as_text_of(frame));
  };
  const auto bytes = [](std::initializer_list<int> values) {
    return std::string(values.begin(), values.end());
  };
  CHECK(text({.type = MessageType::keep_alive}) == bytes({0, 0, 0, 0}));
  CHECK(text({.type = MessageType::unchoke}) == bytes({0, 0, 0, 1, 1}));
  CHECK(text({.type = MessageType::have_none}) == bytes({0, 0, 0, 1, 15}));
  CHECK(text({.type = MessageType::have, .piece = {0x01020304}}) ==
        bytes({0, 0, 0, 5, 4, 1, 2, 3, 4}));
  CHECK(
      text({.type = MessageType::request, .piece = {1}, .offset = 0x4000, .size_bytes = 0x8000}) ==
      bytes({0, 0, 0, 13, 6, 0, 0, 0, 1, 0, 0, 0x40, 0, 0, 0, static_cast<char>(0x80), 0}));
  // Of a piece the head alone; the length counts the payload.
  CHECK(text({.type = MessageType::piece, .piece = {2}, .offset = 16, .size_bytes = 3}) ==
        bytes({0, 0, 0, 12, 7, 0, 0, 0, 2, 0, 0, 0, 16}));
  const std::array<uint8_t, 2> payload = {0xf0, 0x80};
  CHECK(text({.type = MessageType::bitfield, .payload = payload}) ==
        bytes({0, 0, 0, 3, 5, static_cast<char>(0xf0), static_cast<char>(0x80)}));
  CHECK(text({.type = MessageType::extended, .payload = payload, .extended_id = 9}) ==
        bytes({0, 0, 0, 4, 20, 9, static_cast<char>(0xf0), static_cast<char>(0x80)}));
}

TEST_CASE("random messages read back as they were written") {
  constexpr std::array types = {
      MessageType::keep_alive, MessageType::choke,          MessageType::unchoke,
      MessageType::interested, MessageType::not_interested, MessageType::have,
      MessageType::bitfield,   MessageType::request,        MessageType::cancel,
      MessageType::have_all,   MessageType::suggest_piece,  MessageType::have_none,
      MessageType::extended,   MessageType::reject_request, MessageType::allowed_fast};
  Prng prng(11);
  for (int round = 0; round < 3000; ++round) {
    PeerMessage message{.type = types[prng.below(types.size())]};
    std::vector<uint8_t> payload(prng.below(50), static_cast<uint8_t>(prng.next()));
    const bool is_block = message.type == MessageType::request ||
                          message.type == MessageType::cancel ||
                          message.type == MessageType::reject_request;
    if (is_block || message.type == MessageType::have ||
        message.type == MessageType::suggest_piece || message.type == MessageType::allowed_fast) {
      message.piece.raw = static_cast<uint32_t>(prng.next());
    }
    if (is_block) {
      message.offset = static_cast<uint32_t>(prng.next());
      message.size_bytes = static_cast<uint32_t>(prng.next());
    }
    if (message.type == MessageType::bitfield || message.type == MessageType::extended) {
      message.payload = payload;
    }
    if (message.type == MessageType::extended) {
      message.extended_id = static_cast<uint8_t>(prng.next());
    }
    const std::vector<uint8_t> frame = encode(message);
    const Result<PeerMessage> decoded = decode(frame);
    REQUIRE(decoded);
    check_same(*decoded, message);
  }
}

TEST_CASE("a piece is read from its head alone") {
  const PeerMessage message{
      .type = MessageType::piece, .piece = {7}, .offset = 32768, .size_bytes = 131072};
  const std::vector<uint8_t> head = encode(message);
  REQUIRE(head.size() == piece_head_bytes);
  CHECK(decode_frame_head(std::span(head).first<4>()).body_bytes == 131072 + 9);
  const Result<PeerMessage> decoded = decode(head);
  REQUIRE(decoded);
  check_same(*decoded, message);
}

TEST_CASE("lengths that do not fit the id are an error") {
  const auto check_sizes = [](uint8_t id, uint32_t size) {
    CAPTURE(id);
    for (uint32_t body_bytes = 1; body_bytes < 20; ++body_bytes) {
      CAPTURE(body_bytes);
      CHECK(decode_body(id, body_bytes).has_value() == (body_bytes == size));
    }
  };
  for (const uint8_t id : std::initializer_list<uint8_t>{0, 1, 2, 3, 14, 15}) {
    check_sizes(id, 1);
  }
  for (const uint8_t id : std::initializer_list<uint8_t>{4, 13, 17}) {
    check_sizes(id, 5);
  }
  for (const uint8_t id : std::initializer_list<uint8_t>{6, 8, 16}) {
    check_sizes(id, 13);
  }
  check_sizes(9, 3);
  CHECK_FALSE(decode_body(20, 1));
  CHECK(decode_body(20, 2));
  CHECK_FALSE(decode_body(7, 8));
  CHECK_FALSE(decode_body(7, 9));
  CHECK(decode_body(7, 10)->size_bytes == 1);
  CHECK(decode_body(5, 1)->payload.empty());
}

TEST_CASE("unknown ids are no error, and those of keep-alive and unknown do not exist") {
  for (const uint8_t id :
       std::initializer_list<uint8_t>{10, 11, 12, 18, 19, 21, 100, 253, 254, 255}) {
    const Result<PeerMessage> message = decode_body(id, 30);
    REQUIRE(message);
    CHECK(message->type == MessageType::unknown);
  }
  CHECK(decode_message({}, 0)->type == MessageType::keep_alive);
}

TEST_CASE("a length of 2^32 - 1 is told as it is") {
  constexpr std::array<uint8_t, 4> wire = {0xff, 0xff, 0xff, 0xff};
  CHECK(decode_frame_head(wire).body_bytes == UINT32_MAX);
  const std::array<uint8_t, 9> head = {7};
  CHECK(decode_message(head, UINT32_MAX)->size_bytes == UINT32_MAX - 9);
  const std::array<uint8_t, 1> request = {6};
  CHECK_FALSE(decode_message(request, UINT32_MAX));
}
