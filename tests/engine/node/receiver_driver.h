// Feeds a LinkReceiver as a link does, in receives of any size, and writes down what came. And a
// plain reader of the same bytes to compare with.
#pragma once

#include <algorithm>
#include <cstring>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/ensure.h"
#include "engine/node/link_receiver.h"

namespace murder::test {

inline constexpr uint32_t bitfield_bytes_max = 70;

// What was asked of the peer: block 0, 1, 2 ... of piece 0, each in a place of its own, in the
// order in which the answers are expected. A block is answered once.
struct AskedBlocks {
  std::deque<BlockRange> outstanding;

  void ask(uint32_t size_bytes) {
    outstanding.push_back({{0}, next_offset, size_bytes});
    next_offset += size_bytes;
  }
  bool take(const BlockRange& block) {
    const auto found = std::find(outstanding.begin(), outstanding.end(), block);
    if (found == outstanding.end()) {
      return false;
    }
    outstanding.erase(found);
    return true;
  }
  uint32_t next_offset = 0;
};

inline std::string trace_of(const codec::Handshake& handshake) {
  return "handshake " + handshake.peer_id.hex();
}
inline std::string trace_of(const codec::PeerMessage& message) {
  return "message " + std::to_string(static_cast<int>(message.type)) + " " +
         std::to_string(message.piece.raw) + " " + std::to_string(message.offset) + " " +
         std::to_string(message.size_bytes) + " " + std::to_string(message.extended_id) + " " +
         std::string(message.payload.begin(), message.payload.end());
}
inline std::string trace_of(const BlockRange& block, std::string_view bytes) {
  return "payload " + std::to_string(block.offset) + " " + std::string(bytes);
}
inline std::string trace_of_waste(const BlockRange& block) {
  return "waste " + std::to_string(block.piece.raw) + " " + std::to_string(block.offset) + " " +
         std::to_string(block.size_bytes);
}
inline std::string trace_of(swarm::CloseReason reason) {
  return "failed " + std::string(swarm::close_reason_name(reason));
}

class ReceiverDriver {
 public:
  explicit ReceiverDriver(const AskedBlocks& asked)
      : asked_(asked), places_(asked.next_offset), scratch_(scratch_bytes), waste_(waste_bytes) {
    receiver = node::LinkReceiver(options());
  }

  // One receive of at most `size_bytes_max` from the front of `bytes`; how many it took.
  size_t receive(std::span<const uint8_t> bytes, size_t size_bytes_max) {
    receiver.begin_segments();
    if (receiver.predicts()) {
      for (const BlockRange& block : asked_.outstanding) {
        if (!receiver.predict(places_.data() + block.offset, block.size_bytes)) {
          break;
        }
      }
    }
    size_t taken = 0;
    for (const iovec& segment : receiver.end_segments(UINT64_MAX)) {
      const size_t size = std::min({segment.iov_len, bytes.size() - taken, size_bytes_max - taken});
      std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(taken), size,
                  static_cast<uint8_t*>(segment.iov_base));
      taken += size;
    }
    receiver.received(taken);
    read_events();
    return taken;
  }

  [[nodiscard]] bool has_failed() const { return has_failed_; }
  [[nodiscard]] node::LinkReceiver::Options options() {
    return {.bitfield_bytes_max = bitfield_bytes_max, .scratch = scratch_, .waste = waste_};
  }

  node::LinkReceiver receiver{{}};
  std::vector<std::string> trace;

 private:
  static constexpr size_t scratch_bytes = size_t{512} * 1024;
  static constexpr size_t waste_bytes = 1024;

  void read_events() {
    using Kind = node::LinkReceiver::Event::Kind;
    for (;;) {
      const node::LinkReceiver::Event event = receiver.next();
      switch (event.kind) {
        case Kind::none:
          return;
        case Kind::proof:
          ENSURE(false);  // nobody awaits one
          break;
        case Kind::handshake:
          trace.push_back(trace_of(event.handshake));
          break;
        case Kind::message:
          trace.push_back(trace_of(event.message));
          break;
        case Kind::payload_begin: {
          const BlockRange block = event.message.block();
          if (asked_.take(block)) {
            arriving_ = block;
            receiver.place_payload(places_.data() + block.offset);
          } else {
            trace.push_back(trace_of_waste(block));
          }
          break;
        }
        case Kind::payload_end:
          ENSURE(arriving_);
          trace.push_back(trace_of(*arriving_, as_text_of(std::span<const uint8_t>(places_).subspan(
                                                   arriving_->offset, arriving_->size_bytes))));
          arriving_.reset();
          break;
        case Kind::failed:
          has_failed_ = true;
          trace.push_back(trace_of(event.reason));
          ENSURE(receiver.next().kind == Kind::none);
          return;
      }
    }
  }

  AskedBlocks asked_;
  std::vector<uint8_t> places_;
  std::vector<uint8_t> scratch_;
  std::vector<uint8_t> waste_;
  std::optional<BlockRange> arriving_;
  bool has_failed_ = false;
};

// The same bytes, all at hand, read one message after the other.
inline std::vector<std::string> read_plainly(std::span<const uint8_t> wire, AskedBlocks asked) {
  using codec::MessageType;
  std::vector<std::string> trace;
  const auto fail = [&](swarm::CloseReason reason) {
    trace.push_back(trace_of(reason));
    return trace;
  };
  if (!wire.empty() && wire[0] != 19) {
    return fail(swarm::CloseReason::not_bittorrent);
  }
  if (wire.size() < codec::handshake_bytes) {
    return trace;
  }
  const auto handshake = codec::decode_handshake(wire.first<codec::handshake_bytes>());
  if (!handshake) {
    return fail(swarm::CloseReason::not_bittorrent);
  }
  trace.push_back(trace_of(*handshake));
  wire = wire.subspan(codec::handshake_bytes);
  while (wire.size() >= 4) {
    const uint32_t size = uint32_t{wire[0]} << 24U | uint32_t{wire[1]} << 16U |
                          uint32_t{wire[2]} << 8U | uint32_t{wire[3]};
    wire = wire.subspan(4);
    if (size == 0) {
      trace.push_back(trace_of(codec::PeerMessage{.type = MessageType::keep_alive}));
      continue;
    }
    if (wire.empty()) {
      break;
    }
    const bool is_piece = wire[0] == 7 && size >= 9;
    const uint32_t size_max = is_piece       ? 1024 * 1024 + 9
                              : wire[0] == 5 ? bitfield_bytes_max
                                             : 64 * 1024;
    if (size > size_max) {
      return fail(swarm::CloseReason::message_too_long);
    }
    if (wire.size() < (is_piece ? 9 : size)) {
      break;
    }
    const auto message = codec::decode_message(wire.first(is_piece ? 9 : size), size);
    if (!message) {
      return fail(swarm::CloseReason::protocol_error);
    }
    if (!is_piece) {
      trace.push_back(trace_of(*message));
    } else if (!asked.take(message->block())) {
      trace.push_back(trace_of_waste(message->block()));
    } else if (wire.size() >= size) {
      trace.push_back(trace_of(message->block(), as_text_of(wire.subspan(9, size - 9))));
    }
    if (wire.size() < size) {
      break;
    }
    wire = wire.subspan(size);
  }
  return trace;
}

}  // namespace murder::test
