#include "engine/codec/peer_wire.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "engine/base/ensure.h"

namespace murder::codec {
namespace {

constexpr std::string_view protocol_name =
    "\x13"
    "BitTorrent protocol";  // with its length
constexpr size_t reserved_offset = 20;
constexpr size_t info_hash_offset = 28;
constexpr size_t peer_id_offset = 48;
constexpr uint8_t extension_protocol_bit = 0x10;  // of reserved byte 5
constexpr uint8_t fast_extension_bit = 0x04;      // of reserved byte 7

constexpr uint32_t piece_body_bytes_min = 9;  // id, index, begin

uint32_t load_u32(std::span<const uint8_t> wire, size_t at) {
  return uint32_t{wire[at]} << 24U | uint32_t{wire[at + 1]} << 16U | uint32_t{wire[at + 2]} << 8U |
         uint32_t{wire[at + 3]};
}

void store_u32(std::span<uint8_t> out, size_t at, uint32_t value) {
  out[at] = static_cast<uint8_t>(value >> 24U);
  out[at + 1] = static_cast<uint8_t>(value >> 16U);
  out[at + 2] = static_cast<uint8_t>(value >> 8U);
  out[at + 3] = static_cast<uint8_t>(value);
}

// What follows the id.
enum class Layout : uint8_t { nothing, port, piece_index, block, piece_data, bits, extended, none };

Layout layout_of(MessageType type) {
  switch (type) {
    case MessageType::choke:
    case MessageType::unchoke:
    case MessageType::interested:
    case MessageType::not_interested:
    case MessageType::have_all:
    case MessageType::have_none:
      return Layout::nothing;
    case MessageType::port:
      return Layout::port;
    case MessageType::have:
    case MessageType::suggest_piece:
    case MessageType::allowed_fast:
      return Layout::piece_index;
    case MessageType::request:
    case MessageType::cancel:
    case MessageType::reject_request:
      return Layout::block;
    case MessageType::piece:
      return Layout::piece_data;
    case MessageType::bitfield:
      return Layout::bits;
    case MessageType::extended:
      return Layout::extended;
    case MessageType::keep_alive:
    case MessageType::unknown:
      break;
  }
  return Layout::none;
}

// keep_alive and unknown are not ids of the wire.
MessageType type_of_id(uint8_t id) {
  const auto type = static_cast<MessageType>(id);
  return layout_of(type) == Layout::none ? MessageType::unknown : type;
}

bool fits(Layout layout, uint32_t body_bytes) {
  switch (layout) {
    case Layout::nothing:
      return body_bytes == 1;
    case Layout::port:
      return body_bytes == 3;
    case Layout::piece_index:
      return body_bytes == 5;
    case Layout::block:
      return body_bytes == 13;
    case Layout::piece_data:
      return body_bytes > piece_body_bytes_min;
    case Layout::extended:
      return body_bytes >= 2;
    case Layout::bits:
    case Layout::none:
      break;
  }
  return true;
}

}  // namespace

void encode_handshake(const Handshake& handshake, std::span<uint8_t, handshake_bytes> out) {
  std::fill(out.begin(), out.end(), uint8_t{0});
  std::copy(protocol_name.begin(), protocol_name.end(), out.begin());
  if (handshake.extension_protocol) {
    out[reserved_offset + 5] = extension_protocol_bit;
  }
  if (handshake.fast_extension) {
    out[reserved_offset + 7] = fast_extension_bit;
  }
  std::copy(handshake.info_hash.bytes.begin(), handshake.info_hash.bytes.end(),
            out.begin() + info_hash_offset);
  std::copy(handshake.peer_id.bytes.begin(), handshake.peer_id.bytes.end(),
            out.begin() + peer_id_offset);
}

std::optional<Handshake> decode_handshake(std::span<const uint8_t, handshake_bytes> wire) {
  if (as_text_of(wire.first<reserved_offset>()) != protocol_name) {
    return std::nullopt;
  }
  return Handshake{
      .info_hash = *InfoHash::from_bytes(wire.subspan<info_hash_offset, InfoHash::size_bytes>()),
      .peer_id = *PeerId::from_bytes(wire.subspan<peer_id_offset, PeerId::size_bytes>()),
      .fast_extension = (wire[reserved_offset + 7] & fast_extension_bit) != 0,
      .extension_protocol = (wire[reserved_offset + 5] & extension_protocol_bit) != 0,
  };
}

FrameHead decode_frame_head(std::span<const uint8_t, frame_length_bytes> wire) {
  return {load_u32(wire, 0)};
}

Result<PeerMessage> decode_message(std::span<const uint8_t> body, uint32_t body_bytes) {
  PeerMessage message;
  if (body_bytes == 0) {
    return message;
  }
  ENSURE(!body.empty() && body.size() <= body_bytes);
  message.type = type_of_id(body[0]);
  const Layout layout = layout_of(message.type);
  if (!fits(layout, body_bytes)) {
    return fail(ErrorCode::invalid_input,
                fmt::format("a message of type {} with {} bytes", body[0], body_bytes));
  }
  ENSURE(body.size() == body_bytes || layout == Layout::none ||
         (layout == Layout::piece_data && body.size() >= piece_body_bytes_min));
  switch (layout) {
    case Layout::piece_index:
      message.piece.raw = load_u32(body, 1);
      break;
    case Layout::block:
      message.piece.raw = load_u32(body, 1);
      message.offset = load_u32(body, 5);
      message.size_bytes = load_u32(body, 9);
      break;
    case Layout::piece_data:
      message.piece.raw = load_u32(body, 1);
      message.offset = load_u32(body, 5);
      message.size_bytes = body_bytes - piece_body_bytes_min;
      break;
    case Layout::bits:
      message.payload = body.subspan(1);
      break;
    case Layout::extended:
      message.extended_id = body[1];
      message.payload = body.subspan(2);
      break;
    case Layout::nothing:
    case Layout::port:
    case Layout::none:
      break;
  }
  return message;
}

size_t encoded_bytes(const PeerMessage& message) {
  if (message.type == MessageType::keep_alive) {
    return frame_length_bytes;
  }
  constexpr size_t with_id = frame_length_bytes + 1;
  switch (layout_of(message.type)) {
    case Layout::nothing:
      return with_id;
    case Layout::piece_index:
      return with_id + 4;
    case Layout::block:
      return with_id + 12;
    case Layout::piece_data:
      return piece_head_bytes;
    case Layout::bits:
      return with_id + message.payload.size();
    case Layout::extended:
      return with_id + 1 + message.payload.size();
    case Layout::port:
    case Layout::none:
      break;
  }
  ENSURE(false && "we send no port message, and none of an unknown type");
  return 0;
}

size_t encode_message(const PeerMessage& message, std::span<uint8_t> out) {
  const size_t size = encoded_bytes(message);
  ENSURE(out.size() >= size);
  const Layout layout = layout_of(message.type);
  const size_t payload_bytes = layout == Layout::piece_data ? message.size_bytes : 0;
  store_u32(out, 0, static_cast<uint32_t>(size - frame_length_bytes + payload_bytes));
  if (message.type == MessageType::keep_alive) {
    return size;
  }
  out[4] = static_cast<uint8_t>(message.type);
  switch (layout) {
    case Layout::block:
      store_u32(out, 5, message.piece.raw);
      store_u32(out, 9, message.offset);
      store_u32(out, 13, message.size_bytes);
      break;
    case Layout::piece_data:
      store_u32(out, 5, message.piece.raw);
      store_u32(out, 9, message.offset);
      break;
    case Layout::piece_index:
      store_u32(out, 5, message.piece.raw);
      break;
    case Layout::bits:
      std::copy(message.payload.begin(), message.payload.end(), out.begin() + 5);
      break;
    case Layout::extended:
      out[5] = message.extended_id;
      std::copy(message.payload.begin(), message.payload.end(), out.begin() + 6);
      break;
    case Layout::nothing:
    case Layout::port:
    case Layout::none:
      break;
  }
  return size;
}

}  // namespace murder::codec
