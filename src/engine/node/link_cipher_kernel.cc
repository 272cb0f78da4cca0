// A link whose records the kernel opens and seals: what it is told at the beginning, and what is
// left to do here.
#include "engine/base/ensure.h"
#include "engine/node/link_cipher.h"

namespace murder::node {

size_t LinkCipher::missing_bytes() {
  const std::span<const uint8_t> came = input_.bytes();
  if (came.size() < limits::tls_record_head_bytes) {
    return limits::tls_record_head_bytes - came.size();
  }
  const tls::RecordHead head = tls::decode_record_head(came.first<limits::tls_record_head_bytes>());
  const size_t size = limits::tls_record_head_bytes + head.body_bytes;
  ENSURE(size > came.size());  // else open() would have taken it
  return size - came.size();
}

void LinkCipher::hand_over_receiving() {
  ENSURE(is_between_received());
  kernel_receives_ = true;
  session_->let_go_of_opening();
  input_.release_memory();
}

void LinkCipher::hand_over_sending() {
  ENSURE(is_between_sent());
  kernel_sends_ = true;
  session_->let_go_of_sealing();
}

void LinkCipher::take_opened(uint8_t type, tls::Segments content, size_t size_bytes) {
  ENSURE(kernel_receives_);
  if (state_ == State::open) {
    session_->take_opened(type, content, size_bytes);
    follow_session();
  }
}

// How many records there were is not said, so a key that the other side uses too long is known by
// what records hold at most.
void LinkCipher::kernel_received(uint64_t size_bytes) {
  ENSURE(kernel_receives_);
  received_bytes_ += size_bytes;
  session_->note_data();
  if (state_ == State::open &&
      received_bytes_ > limits::tls_records_per_key_max * limits::tls_plain_bytes_max) {
    state_ = State::failed;
  }
}

void LinkCipher::kernel_sent(uint64_t size_bytes, uint64_t key_bytes_max) {
  ENSURE(kernel_sends_);
  sent_bytes_ += size_bytes;
  if (state_ == State::open && sent_bytes_ >= key_bytes_max) {
    state_ = State::used_up;
  }
}

}  // namespace murder::node
