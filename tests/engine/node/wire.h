// What passes on a connection, as bytes and as messages.
#pragma once

#include <string>
#include <vector>

#include "engine/base/ensure.h"
#include "engine/codec/peer_wire.h"

namespace murder::test {

inline void append_message(std::vector<uint8_t>& wire, const codec::PeerMessage& message) {
  const size_t before = wire.size();
  wire.resize(before + codec::encoded_bytes(message));
  codec::encode_message(message, std::span(wire).subspan(before));
}

inline void append_block(std::vector<uint8_t>& wire, const BlockRange& block,
                         std::string_view payload) {
  append_message(wire, {.type = codec::MessageType::piece,
                        .piece = block.piece,
                        .offset = block.offset,
                        .size_bytes = block.size_bytes});
  wire.insert(wire.end(), payload.begin(), payload.end());
}

struct HeardMessage {
  codec::MessageType type;
  BlockRange block;
  std::string payload;  // of a piece message, or else what PeerMessage has
};

// The whole messages that `wire` begins with, which are correct.
inline std::vector<HeardMessage> messages_of(std::span<const uint8_t> wire) {
  std::vector<HeardMessage> heard;
  while (wire.size() >= codec::frame_length_bytes) {
    const uint32_t size =
        codec::decode_frame_head(wire.first<codec::frame_length_bytes>()).body_bytes;
    wire = wire.subspan(codec::frame_length_bytes);
    if (wire.size() < size) {
      break;
    }
    const auto message = codec::decode_message(wire.first(size), size);
    ENSURE(message.has_value());
    std::string payload(message->payload.begin(), message->payload.end());
    if (message->type == codec::MessageType::piece) {
      payload = as_text_of(wire.first(size).subspan(9));
    }
    heard.push_back({message->type, message->block(), std::move(payload)});
    wire = wire.subspan(size);
  }
  return heard;
}

}  // namespace murder::test
