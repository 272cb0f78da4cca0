// Fuzzes what a peer sends: the handshake, frames, and the extension handshake. The first byte
// chooses.

#include <algorithm>
#include <span>
#include <string>
#include <vector>

#include "engine/base/ensure.h"
#include "engine/codec/peer_wire.h"

using namespace murder;
using namespace murder::codec;

namespace {

void check_handshake(std::span<const uint8_t> input) {
  if (input.size() < handshake_bytes) {
    return;
  }
  const std::optional<Handshake> handshake = decode_handshake(input.first<handshake_bytes>());
  if (handshake) {
    std::vector<uint8_t> wire(handshake_bytes);
    encode_handshake(*handshake, std::span(wire).first<handshake_bytes>());
    ENSURE(decode_handshake(std::span<const uint8_t>(wire).first<handshake_bytes>()) == handshake);
    ENSURE(std::equal(wire.begin() + 28, wire.end(), input.begin() + 28));
  }
}

// The frame of a message that was read is the frame it was read from.
void check_message(std::span<const uint8_t> frame, const PeerMessage& message) {
  if (message.type == MessageType::unknown || message.type == MessageType::port) {
    return;
  }
  std::vector<uint8_t> wire(encoded_bytes(message));
  ENSURE(encode_message(message, wire) == wire.size());
  ENSURE(wire.size() <= frame.size());
  ENSURE(std::equal(wire.begin(), wire.end(), frame.begin()));
}

void check_frames(std::span<const uint8_t> input) {
  while (input.size() >= frame_length_bytes) {
    const uint32_t body_bytes = decode_frame_head(input.first<frame_length_bytes>()).body_bytes;
    const std::span<const uint8_t> rest = input.subspan(frame_length_bytes);
    const bool is_whole = body_bytes <= rest.size();
    if (!is_whole && (rest.size() < 9 || rest[0] != static_cast<uint8_t>(MessageType::piece))) {
      return;
    }
    const std::span<const uint8_t> body = is_whole ? rest.first(body_bytes) : rest.first(9);
    const Result<PeerMessage> message = decode_message(body, body_bytes);
    if (!message) {
      return;
    }
    check_message(input, *message);
    if (message->type == MessageType::extended) {
      static_cast<void>(decode_extension_handshake(message->payload));
    }
    if (!is_whole) {
      return;
    }
    input = rest.subspan(body_bytes);
  }
}

void check_extension_handshake(std::span<const uint8_t> payload) {
  const Result<ExtensionHandshake> read = decode_extension_handshake(payload);
  if (!read) {
    return;
  }
  ExtensionHandshake expected = *read;
  std::sort(expected.extensions.begin(), expected.extensions.end());
  const std::string text = encode_extension_handshake(*read);
  ENSURE(decode_extension_handshake(as_bytes_of(text)) == expected);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) {
    return 0;
  }
  const std::span<const uint8_t> rest(data + 1, size - 1);
  switch (data[0] % 3) {
    case 0:
      check_handshake(rest);
      break;
    case 1:
      check_frames(rest);
      break;
    default:
      check_extension_handshake(rest);
      break;
  }
  return 0;
}
