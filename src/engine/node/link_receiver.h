// The receiving half of a link: where the next bytes should go, and what came. No socket, no clock,
// no swarm.
//
// Its owner repeats: begin_segments(), predict() for each request that is out, end_segments(), a
// recvmsg into these segments, received(), and next() until there is no event any more.
//
// The segments are where payload belongs if the peer answers in the order it was asked:
//   [13-byte head][place in the piece buffer][head][place]...[tail]
// Payload that comes like that is never copied. When something else comes, the bytes behind it are
// first copied out (the kernel wrote them into places that are not theirs), then read from the
// copy.
//
// Bounded by: predicted_max places, predicted_bytes_max and one tail in a receive; of a message
// that has not come whole, limits::extended_bytes_max or the bytes of a bitfield. A fresh one is
// assigned when the connection ends.
#pragma once

#include <sys/uio.h>

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "engine/codec/peer_wire.h"
#include "engine/node/segment_reader.h"
#include "engine/swarm/close_reason.h"

namespace murder::node {

class LinkReceiver {
 public:
  static constexpr uint32_t predicted_max = 64;
  static constexpr uint32_t predicted_bytes_max = 1024 * 1024;

  struct Options {
    uint32_t bitfield_bytes_max = 0;  // a longer bitfield is an error
    std::span<uint8_t> scratch;       // to copy a receive out; shared, holds the largest one
    std::span<uint8_t> waste;         // for bytes that nobody reads; shared
  };

  struct Event {
    enum class Kind : uint8_t {
      none,           // all that was received is read
      proof,          // proof: a frame of await_proof(), valid until next()
      handshake,      // handshake
      message,        // message; its spans are valid until next()
      payload_begin,  // message, of which the head alone came; place_payload() may follow
      payload_end,    // all of the payload is in its place
      failed,         // reason; nothing more is read
    };
    Kind kind = Kind::none;
    std::span<const uint8_t> proof{};
    codec::Handshake handshake{};
    codec::PeerMessage message{};
    swarm::CloseReason reason = swarm::CloseReason::protocol_error;
  };

  explicit LinkReceiver(const Options& options) : options_(options) {}
  LinkReceiver(const LinkReceiver&) = delete;
  LinkReceiver& operator=(const LinkReceiver&) = delete;
  // Of a fresh one only: a receiver that is in use points into itself.
  LinkReceiver& operator=(LinkReceiver&&) = default;

  // In front of the handshake a frame of that many bytes comes, of a closed swarm. It begins with
  // `head` (static), which is checked as soon as a byte of it is there. After it: again, or what
  // follows are messages.
  void await_proof(uint32_t size_bytes, std::span<const uint8_t> head);
  void expect_messages();

  void begin_segments();
  // Whether answers may be predicted: a message begins where the next bytes begin, or the payload
  // before it goes to its place.
  [[nodiscard]] bool predicts() const {
    return phase_ == Phase::frames && partial_.empty() &&
           (payload_left_ == 0 || payload_place_ != nullptr);
  }
  // The next answer goes to `place`. False: no more fit.
  bool predict(uint8_t* place, uint32_t size_bytes);
  // What to receive into, no more than `size_bytes_max`.
  [[nodiscard]] std::span<iovec> end_segments(uint64_t size_bytes_max);
  // Whether these segments lie in places of pieces.
  [[nodiscard]] bool fills_places() const { return fills_places_; }
  // The segments are not received into any more.
  void forget_places() { fills_places_ = false; }

  // The first `size_bytes` of the segments were filled.
  void received(size_t size_bytes);
  [[nodiscard]] Event next();
  // After payload_begin: where the payload belongs. Without it, it is read and thrown away.
  void place_payload(uint8_t* place) { payload_place_ = place; }

 private:
  enum class Phase : uint8_t { proof, handshake, frames, failed };
  static constexpr size_t tail_bytes = 4096;

  void add_segment(void* memory, size_t size_bytes);
  [[nodiscard]] bool gather(size_t size_bytes);
  [[nodiscard]] Event fail(swarm::CloseReason reason);
  // These two return `none` when more bytes have to come or to be read.
  [[nodiscard]] Event next_of_payload();
  [[nodiscard]] Event next_frame();
  [[nodiscard]] Event next_proof();
  [[nodiscard]] Event next_handshake();
  [[nodiscard]] Event read_piece_head(uint32_t body_bytes);
  [[nodiscard]] Event read_message(uint32_t body_bytes);
  void forget_message();

  Options options_;
  Phase phase_ = Phase::handshake;
  uint32_t proof_bytes_ = 0;
  std::span<const uint8_t> proof_head_;
  bool is_message_given_ = false;  // by the last event: it lies in partial_
  bool fills_places_ = false;
  std::vector<uint8_t> partial_;      // the beginning of a frame whose rest has not come
  uint8_t* payload_place_ = nullptr;  // nullptr: it is thrown away
  uint32_t payload_left_ = 0;

  SegmentReader reader_{{}, 0};
  uint32_t segment_count_ = 0;
  uint32_t predicted_count_ = 0;
  uint32_t predicted_bytes_ = 0;
  std::array<iovec, 2 * predicted_max + 2> segments_{};
  std::array<std::array<uint8_t, codec::piece_head_bytes>, predicted_max> heads_{};
  std::array<uint8_t, tail_bytes> tail_{};
};

}  // namespace murder::node
