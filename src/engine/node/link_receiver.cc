#include "engine/node/link_receiver.h"

#include <algorithm>
#include <cstring>

#include "engine/base/ensure.h"
#include "engine/swarm/bounds.h"

namespace murder::node {

using codec::MessageType;
using swarm::CloseReason;

namespace {

constexpr size_t piece_body_head_bytes = codec::piece_head_bytes - codec::frame_length_bytes;
constexpr size_t partial_bytes_kept = 1024;
constexpr uint32_t piece_payload_bytes_max = 1024 * 1024;  // nobody sends larger blocks
constexpr uint8_t protocol_name_bytes = 19;                // the first byte of a handshake

}  // namespace

// --- where bytes go ------------------------------------------------------------------------------

void LinkReceiver::add_segment(void* memory, size_t size_bytes) {
  ENSURE(segment_count_ < segments_.size());
  segments_[segment_count_++] = {memory, size_bytes};
}

void LinkReceiver::begin_segments() {
  ENSURE(reader_.empty());
  segment_count_ = 0;
  predicted_count_ = 0;
  predicted_bytes_ = payload_left_;
  fills_places_ = false;
  if (payload_left_ == 0) {
    return;
  }
  if (payload_place_ != nullptr) {
    add_segment(payload_place_, payload_left_);
    fills_places_ = true;
  } else {
    add_segment(options_.waste.data(), std::min<size_t>(options_.waste.size(), payload_left_));
  }
}

bool LinkReceiver::predict(uint8_t* place, uint32_t size_bytes) {
  ENSURE(place != nullptr && size_bytes > 0);
  if (predicted_count_ == predicted_max || predicted_bytes_ >= predicted_bytes_max) {
    return false;
  }
  add_segment(heads_[predicted_count_++].data(), codec::piece_head_bytes);
  add_segment(place, size_bytes);
  predicted_bytes_ += size_bytes;
  fills_places_ = true;
  return true;
}

std::span<iovec> LinkReceiver::end_segments(uint64_t size_bytes_max) {
  ENSURE(size_bytes_max > 0);
  if (payload_left_ == 0 || payload_place_ != nullptr) {
    add_segment(tail_.data(), tail_.size());
  }
  for (uint32_t index = 0; index < segment_count_; ++index) {
    iovec& segment = segments_[index];
    if (segment.iov_len >= size_bytes_max) {
      segment.iov_len = size_bytes_max;
      segment_count_ = index + 1;
    }
    size_bytes_max -= segment.iov_len;
  }
  return std::span(segments_).first(segment_count_);
}

// --- what came -----------------------------------------------------------------------------------

void LinkReceiver::received(size_t size_bytes) {
  ENSURE(reader_.empty());
  reader_ = SegmentReader(std::span<const iovec>(segments_).first(segment_count_), size_bytes);
}

LinkReceiver::Event LinkReceiver::next() {
  if (is_message_given_) {
    is_message_given_ = false;
    forget_message();
  }
  while (!reader_.empty() && phase_ != Phase::failed) {
    Event event = payload_left_ > 0 ? next_of_payload() : next_frame();
    if (event.kind != Event::Kind::none) {
      return event;
    }
  }
  return {};
}

LinkReceiver::Event LinkReceiver::next_of_payload() {
  const std::span<const uint8_t> part = reader_.front();
  const size_t size = std::min<size_t>(part.size(), payload_left_);
  ENSURE(size > 0);
  if (payload_place_ != nullptr && part.data() != payload_place_) {
    if (!reader_.is_copy()) {
      // The prediction did not hold: the place may overlap bytes that were not read yet.
      reader_.copy_out(options_.scratch);
      return {};
    }
    std::memcpy(payload_place_, part.data(), size);
  }
  reader_.skip(size);
  payload_left_ -= static_cast<uint32_t>(size);
  if (payload_place_ == nullptr) {
    return {};
  }
  payload_place_ += size;
  if (payload_left_ > 0) {
    return {};
  }
  payload_place_ = nullptr;
  return {.kind = Event::Kind::payload_end};
}

// Whether partial_ holds `size_bytes` now.
bool LinkReceiver::gather(size_t size_bytes) {
  while (partial_.size() < size_bytes && !reader_.empty()) {
    const std::span<const uint8_t> part = reader_.front();
    const size_t size = std::min(part.size(), size_bytes - partial_.size());
    partial_.insert(partial_.end(), part.begin(), part.begin() + static_cast<std::ptrdiff_t>(size));
    reader_.skip(size);
  }
  return partial_.size() >= size_bytes;
}

LinkReceiver::Event LinkReceiver::fail(CloseReason reason) {
  phase_ = Phase::failed;
  return {.kind = Event::Kind::failed, .reason = reason};
}

void LinkReceiver::await_proof(uint32_t size_bytes, std::span<const uint8_t> head) {
  ENSURE(phase_ == Phase::handshake || phase_ == Phase::proof);
  ENSURE(head.size() <= size_bytes);
  phase_ = Phase::proof;
  proof_bytes_ = size_bytes;
  proof_head_ = head;
}

void LinkReceiver::expect_messages() {
  ENSURE(phase_ == Phase::proof);
  phase_ = Phase::frames;
}

LinkReceiver::Event LinkReceiver::next_proof() {
  const bool is_whole = gather(proof_bytes_);
  const size_t looked_at = std::min(partial_.size(), proof_head_.size());
  if (!std::equal(partial_.begin(), partial_.begin() + static_cast<std::ptrdiff_t>(looked_at),
                  proof_head_.begin())) {
    return fail(CloseReason::unproven);
  }
  if (!is_whole) {
    return {};
  }
  is_message_given_ = true;
  return {.kind = Event::Kind::proof, .proof = std::span(partial_).first(proof_bytes_)};
}

LinkReceiver::Event LinkReceiver::next_handshake() {
  if (gather(1) && partial_[0] != protocol_name_bytes) {
    // An encrypted handshake, HTTP, noise: no need to wait for more.
    return fail(CloseReason::not_bittorrent);
  }
  if (!gather(codec::handshake_bytes)) {
    return {};
  }
  const auto handshake =
      codec::decode_handshake(std::span(partial_).first<codec::handshake_bytes>());
  partial_.clear();
  if (!handshake) {
    return fail(CloseReason::not_bittorrent);
  }
  phase_ = Phase::frames;
  return {.kind = Event::Kind::handshake, .handshake = *handshake};
}

LinkReceiver::Event LinkReceiver::next_frame() {
  if (phase_ == Phase::proof) {
    return next_proof();
  }
  if (phase_ == Phase::handshake) {
    return next_handshake();
  }
  if (!gather(codec::frame_length_bytes)) {
    return {};
  }
  const uint32_t body_bytes =
      codec::decode_frame_head(std::span(partial_).first<codec::frame_length_bytes>()).body_bytes;
  if (body_bytes == 0) {
    partial_.clear();
    return {.kind = Event::Kind::message, .message = {.type = MessageType::keep_alive}};
  }
  if (!gather(codec::frame_length_bytes + 1)) {
    return {};
  }
  const uint8_t id = partial_[codec::frame_length_bytes];
  if (id == static_cast<uint8_t>(MessageType::piece) && body_bytes >= piece_body_head_bytes) {
    return read_piece_head(body_bytes);
  }
  const bool is_bitfield = id == static_cast<uint8_t>(MessageType::bitfield);
  if (body_bytes > (is_bitfield ? options_.bitfield_bytes_max : limits::extended_bytes_max)) {
    return fail(CloseReason::message_too_long);
  }
  return read_message(body_bytes);
}

LinkReceiver::Event LinkReceiver::read_message(uint32_t body_bytes) {
  if (!gather(codec::frame_length_bytes + body_bytes)) {
    return {};
  }
  const auto message =
      codec::decode_message(std::span(partial_).subspan(codec::frame_length_bytes), body_bytes);
  if (!message) {
    return fail(CloseReason::protocol_error);
  }
  is_message_given_ = true;
  return {.kind = Event::Kind::message, .message = *message};
}

LinkReceiver::Event LinkReceiver::read_piece_head(uint32_t body_bytes) {
  if (body_bytes > piece_payload_bytes_max + piece_body_head_bytes) {
    return fail(CloseReason::message_too_long);
  }
  if (!gather(codec::piece_head_bytes)) {
    return {};
  }
  const auto message =
      codec::decode_message(std::span(partial_).subspan(codec::frame_length_bytes), body_bytes);
  partial_.clear();
  if (!message) {
    return fail(CloseReason::protocol_error);
  }
  payload_left_ = message->size_bytes;
  payload_place_ = nullptr;
  return {.kind = Event::Kind::payload_begin, .message = *message};
}

// Long messages are rare, and links are many: the memory of one is not kept.
void LinkReceiver::forget_message() {
  partial_.clear();
  if (partial_.capacity() > partial_bytes_kept) {
    partial_ = std::vector<uint8_t>();  // shrink_to_fit() does nothing without exceptions
  }
}

}  // namespace murder::node
