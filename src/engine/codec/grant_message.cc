#include "engine/codec/grant_message.h"

namespace murder::codec {

std::array<uint8_t, grant_message_bytes> encode_grant_message(const GrantMessage& message) {
  return {static_cast<uint8_t>(message.kind), static_cast<uint8_t>(message.value >> 24U),
          static_cast<uint8_t>(message.value >> 16U), static_cast<uint8_t>(message.value >> 8U),
          static_cast<uint8_t>(message.value)};
}

std::optional<GrantMessage> decode_grant_message(std::span<const uint8_t> payload) {
  if (payload.size() != grant_message_bytes) {
    return std::nullopt;
  }
  const uint32_t value = uint32_t{payload[1]} << 24U | uint32_t{payload[2]} << 16U |
                         uint32_t{payload[3]} << 8U | uint32_t{payload[4]};
  return GrantMessage{.kind = static_cast<GrantKind>(payload[0]), .value = value};
}

}  // namespace murder::codec
