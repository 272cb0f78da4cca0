// The receiving half of a link: bytes from the socket into places and messages.
#include <algorithm>
#include <cerrno>
#include <cstring>

#include "engine/base/ensure.h"
#include "engine/node/peer_link.h"
#include "engine/node/shard.h"
#include "engine/policy/receive_gathering.h"
#include "engine/swarm/bounds.h"

namespace murder::node {

using codec::MessageType;
using swarm::CloseReason;

namespace {

constexpr size_t piece_body_head_bytes = codec::piece_head_bytes - codec::frame_length_bytes;
constexpr uint32_t bitfield_bytes_spare = 64;
constexpr size_t partial_bytes_kept = 1024;
constexpr uint32_t piece_payload_bytes_max = 1024 * 1024;  // beyond it is no block anybody sends

}  // namespace

void PeerLink::add_segment(void* memory, size_t size_bytes) {
  recv_segments_[recv_segment_count_++] = {memory, size_bytes};
}

// No more than the rate allows at a time.
void PeerLink::cut_segments(uint64_t size_bytes_max) {
  for (uint32_t index = 0; index < recv_segment_count_; ++index) {
    iovec& segment = recv_segments_[index];
    if (segment.iov_len >= size_bytes_max) {
      segment.iov_len = size_bytes_max;
      recv_segment_count_ = index + 1;
      return;
    }
    size_bytes_max -= segment.iov_len;
  }
}

void PeerLink::arm() {
  if (!open_ || !connected_ || recv_.in_flight() || !shard_.download().may_pass(*this)) {
    return;
  }
  recv_segment_count_ = 0;
  armed_places_ = false;
  bool predict = handshake_received_ && partial_.empty();
  if (payload_left_ > 0) {
    if (payload_place_ != nullptr) {
      add_segment(payload_place_, payload_left_);
      armed_places_ = true;
    } else {
      const std::span<uint8_t> waste = shard_.waste();
      add_segment(waste.data(), std::min<size_t>(waste.size(), payload_left_));
      predict = false;
    }
  }
  if (predict) {
    std::array<swarm::OutgoingRequest, predicted_max> requests;
    const uint32_t count = shard_.swarm().expected(session_, requests);
    uint32_t bytes = payload_left_;
    for (uint32_t index = 0; index < count && bytes < predicted_bytes_max; ++index) {
      const swarm::OutgoingRequest& request = requests[index];
      add_segment(recv_heads_[index].data(), codec::piece_head_bytes);
      add_segment(shard_.pieces().at(request.buffer, request.block.offset),
                  request.block.size_bytes);
      bytes += request.block.size_bytes;
      armed_places_ = true;
    }
  }
  if (payload_left_ == 0 || payload_place_ != nullptr) {
    add_segment(recv_tail_.data(), recv_tail_.size());
  }
  const uint64_t portion_bytes = shard_.download().portion_bytes();
  cut_segments(portion_bytes);
  set_low_mark(predict ? bytes_to_gather(portion_bytes) : 1);
  recv_message_ = {};
  recv_message_.msg_iov = recv_segments_.data();
  recv_message_.msg_iovlen = recv_segment_count_;
  if (low_mark_bytes_ == 1) {
    shard_.reactor().recvmsg(recv_, fd_.get(), &recv_message_);
    return;
  }
  armed_at_ = shard_.reactor().now();
  shard_.reactor().recvmsg_when_readable(recv_, fd_.get(), &recv_message_);
  shard_.gathers();
}

uint32_t PeerLink::bytes_to_gather(uint64_t portion_bytes) const {
  const uint32_t bytes = shard_.swarm().bytes_to_gather(session_);
  if (bytes == 1 || bytes > portion_bytes) {
    return 1;
  }
  return policy::gathered_in_buffer(bytes, io::receive_buffer_bytes(fd_.get()));
}

void PeerLink::set_low_mark(uint32_t size_bytes) {
  if (size_bytes != low_mark_bytes_) {
    low_mark_bytes_ = size_bytes;
    io::set_receive_low_mark(fd_.get(), size_bytes);
  }
}

bool PeerLink::end_gathering(Instant since) {
  if (low_mark_bytes_ > 1 && recv_.in_flight() && armed_at_ <= since) {
    set_low_mark(1);
  }
  return low_mark_bytes_ > 1 && recv_.in_flight();
}

void PeerLink::recv_done(io::Operation&, int32_t result, uint32_t) {
  if (closing_) {
    settle();
    return;
  }
  if (result > 0) {
    shard_.download().passed(static_cast<uint64_t>(result));
    shard_.swarm().bytes_received(session_, static_cast<uint32_t>(result), shard_.reactor().now());
    SegmentReader reader(std::span<const iovec>(recv_segments_).first(recv_segment_count_),
                         static_cast<size_t>(result));
    consume(reader);
  } else if (result == 0) {
    end(CloseReason::remote_closed);
  } else if (result != -ECANCELED && result != -EINTR && result != -EAGAIN) {
    end(CloseReason::connection_lost);
  }
  if (closing_) {
    return;
  }
  armed_places_ = false;
  answer_disarm();
  shard_.wants_arm(*this);
}

void PeerLink::consume(SegmentReader& reader) {
  while (!reader.empty() && !closing_) {
    if (payload_left_ > 0) {
      consume_payload(reader);
    } else {
      consume_frame(reader);
    }
  }
}

void PeerLink::consume_payload(SegmentReader& reader) {
  const std::span<const uint8_t> part = reader.front();
  const size_t size = std::min<size_t>(part.size(), payload_left_);
  if (payload_place_ != nullptr && part.data() != payload_place_) {
    if (!reader.is_copy()) {
      // The prediction did not hold: the place may overlap bytes that were not read yet.
      reader.copy_out(shard_.scratch());
      return;
    }
    std::memcpy(payload_place_, part.data(), size);
  }
  reader.skip(size);
  payload_left_ -= static_cast<uint32_t>(size);
  if (payload_place_ != nullptr) {
    payload_place_ += size;
  }
  if (payload_left_ == 0 && payload_wanted_) {
    payload_place_ = nullptr;
    payload_wanted_ = false;
    ++shard_.counters().received_blocks;
    shard_.swarm().payload_end(session_, shard_.reactor().now());
  }
}

bool PeerLink::gather(SegmentReader& reader, size_t size_bytes) {
  while (partial_.size() < size_bytes && !reader.empty()) {
    const std::span<const uint8_t> part = reader.front();
    const size_t size = std::min(part.size(), size_bytes - partial_.size());
    partial_.insert(partial_.end(), part.begin(), part.begin() + static_cast<std::ptrdiff_t>(size));
    reader.skip(size);
  }
  return partial_.size() >= size_bytes;
}

void PeerLink::consume_frame(SegmentReader& reader) {
  if (!handshake_received_) {
    if (gather(reader, 1) && partial_[0] != 19) {
      end(CloseReason::not_bittorrent);  // an encrypted handshake, HTTP, noise: no need to wait
    } else if (gather(reader, codec::handshake_bytes)) {
      on_handshake();
    }
    return;
  }
  if (!gather(reader, codec::frame_length_bytes)) {
    return;
  }
  const uint32_t body_bytes =
      codec::decode_frame_head(std::span(partial_).first<codec::frame_length_bytes>()).body_bytes;
  if (body_bytes == 0) {
    partial_.clear();
    shard_.swarm().received(session_, {.type = MessageType::keep_alive}, shard_.reactor().now());
    return;
  }
  if (!gather(reader, codec::frame_length_bytes + 1)) {
    return;
  }
  const bool is_piece =
      partial_[codec::frame_length_bytes] == static_cast<uint8_t>(MessageType::piece);
  if (is_piece && body_bytes >= piece_body_head_bytes) {
    if (body_bytes > piece_payload_bytes_max + piece_body_head_bytes) {
      end(CloseReason::message_too_long);
    } else if (gather(reader, codec::piece_head_bytes)) {
      on_piece_head(body_bytes);
    }
    return;
  }
  const bool is_bitfield =
      partial_[codec::frame_length_bytes] == static_cast<uint8_t>(MessageType::bitfield);
  if (body_bytes > (is_bitfield ? bitfield_bytes_max() : limits::extended_bytes_max)) {
    end(CloseReason::message_too_long);
    return;
  }
  if (!gather(reader, codec::frame_length_bytes + body_bytes)) {
    return;
  }
  const auto message =
      codec::decode_message(std::span(partial_).subspan(codec::frame_length_bytes), body_bytes);
  if (!message) {
    end(CloseReason::protocol_error);
    return;
  }
  shard_.swarm().received(session_, *message, shard_.reactor().now());
  forget_partial();
}

// Of this release, and some more, so that one of a wrong length is told from one without end.
uint32_t PeerLink::bitfield_bytes_max() const {
  return static_cast<uint32_t>(shard_.swarm().have().wire_bytes()) + bitfield_bytes_spare;
}

// Long messages are rare, and links are many: the memory of one is not kept.
void PeerLink::forget_partial() {
  partial_.clear();
  if (partial_.capacity() > partial_bytes_kept) {
    partial_ = std::vector<uint8_t>();  // shrink_to_fit() does nothing without exceptions
  }
}

void PeerLink::on_handshake() {
  const auto handshake =
      codec::decode_handshake(std::span(partial_).first<codec::handshake_bytes>());
  partial_.clear();
  if (!handshake) {
    end(CloseReason::not_bittorrent);
    return;
  }
  handshake_received_ = true;
  shard_.swarm().received(session_, *handshake, shard_.reactor().now());
}

void PeerLink::on_piece_head(uint32_t body_bytes) {
  const auto message =
      codec::decode_message(std::span(partial_).subspan(codec::frame_length_bytes), body_bytes);
  partial_.clear();
  if (!message) {
    end(CloseReason::protocol_error);
    return;
  }
  const swarm::PayloadPlace place =
      shard_.swarm().payload_begin(session_, message->block(), shard_.reactor().now());
  payload_left_ = message->size_bytes;
  payload_wanted_ = place.wanted;
  payload_place_ = place.wanted ? shard_.pieces().at(place.buffer, place.offset) : nullptr;
}

}  // namespace murder::node
