// The peer wire protocol as values: BEP 3 messages, the fast extension (BEP 6), the extension
// protocol (BEP 10).
//
// Payload never passes through here: a piece message is decoded from its 13-byte head alone, and
// its bytes go where the session says.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>

#include "engine/base/result.h"
#include "engine/base/types.h"
#include "engine/codec/extension_handshake.h"

namespace murder::codec {

inline constexpr size_t handshake_bytes = 68;
inline constexpr size_t frame_length_bytes = 4;
inline constexpr size_t piece_head_bytes = 13;  // length, id, index, begin

struct Handshake {
  InfoHash info_hash;
  PeerId peer_id;
  bool fast_extension = false;      // BEP 6, reserved bit 0x04 of byte 7
  bool extension_protocol = false;  // BEP 10, reserved bit 0x10 of byte 5

  bool operator==(const Handshake&) const = default;
};

void encode_handshake(const Handshake& handshake, std::span<uint8_t, handshake_bytes> out);

// nullopt when the protocol name is another one (an encrypted handshake, HTTP, noise).
[[nodiscard]] std::optional<Handshake> decode_handshake(
    std::span<const uint8_t, handshake_bytes> wire);

enum class MessageType : uint8_t {
  choke = 0,
  unchoke = 1,
  interested = 2,
  not_interested = 3,
  have = 4,
  bitfield = 5,
  request = 6,
  piece = 7,
  cancel = 8,
  port = 9,  // BEP 5: understood, ignored
  suggest_piece = 13,
  have_all = 14,
  have_none = 15,
  reject_request = 16,
  allowed_fast = 17,
  extended = 20,
  keep_alive = 254,  // no id on the wire: a frame of length 0
  unknown = 255,     // an id we do not know; BEP 3 peers skip it
};

// One message. Which members hold something is said behind them.
struct PeerMessage {
  MessageType type = MessageType::keep_alive;
  PieceIndex piece;     // have, request, piece, cancel, suggest_piece, reject_request, allowed_fast
  uint32_t offset = 0;  // request, piece, cancel, reject_request
  uint32_t size_bytes = 0;           // request, cancel, reject_request; piece: bytes of payload
  std::span<const uint8_t> payload;  // bitfield: the wire form; extended: after the extended id
  uint8_t extended_id = 0;           // extended

  [[nodiscard]] BlockRange block() const { return {piece, offset, size_bytes}; }
};

// The frame that starts at wire[0], which has at least its length field.
struct FrameHead {
  uint32_t body_bytes = 0;  // what the length field says; 0 is a keep-alive
};
[[nodiscard]] FrameHead decode_frame_head(std::span<const uint8_t, frame_length_bytes> wire);

// Decodes the body of one frame (after the length field). For a piece message `body` may be the 9
// bytes of id, index and begin alone, with `body_bytes` the length the frame said. Errors: a length
// that does not fit the id. An unknown id is not an error.
[[nodiscard]] Result<PeerMessage> decode_message(std::span<const uint8_t> body,
                                                 uint32_t body_bytes);

// Bytes that `encode_message` needs: a piece message's payload is not among them.
[[nodiscard]] size_t encoded_bytes(const PeerMessage& message);

// Writes the frame (of a piece message the head only) and returns its size. `out` has
// encoded_bytes().
size_t encode_message(const PeerMessage& message, std::span<uint8_t> out);

}  // namespace murder::codec
