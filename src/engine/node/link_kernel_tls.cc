// How a link under TLS hands its socket over to the kernel, and reads what the kernel says.
#include <cerrno>

#include "engine/io/kernel_tls.h"
#include "engine/node/peer_link.h"

namespace murder::node {

using swarm::CloseReason;

namespace {

io::TlsKeys keys_of(const tls::RecordCipher::Next& next) {
  return {.cipher = next.suite == tls::Suite::aes_128_gcm ? io::TlsCipher::aes_128_gcm
                                                          : io::TlsCipher::chacha20_poly1305,
          .key = std::span(next.key.key).first(next.key.key_bytes),
          .nonce = next.key.nonce,
          .record_number = next.record_number};
}

}  // namespace

// A connection that the other side has just ended says so in its next receive; any other error is
// the kernel's, and will be the same for the next link.
bool PeerLink::is_refused_by_kernel(int error_number) {
  if (error_number != 0 && error_number != ENOTCONN) {
    host_.kernel_tls->is_there = false;
  }
  return error_number != 0;
}

bool PeerLink::waits_for_record_end() const {
  return host_.kernel_tls != nullptr && host_.kernel_tls->is_there && cipher_->is_open();
}

bool PeerLink::hand_over_receiving() {
  if (cipher_->kernel_receives()) {
    return true;
  }
  if (!waits_for_record_end() || !cipher_->is_between_received()) {
    return false;
  }
  ++host_.counters.direct_calls;
  if (is_refused_by_kernel(io::hand_over_tls(fd_.get(), io::TlsDirection::receives,
                                             keys_of(cipher_->next_received())))) {
    return false;
  }
  cipher_->hand_over_receiving();
  ++host_.counters.kernel_tls_receivers;
  return true;
}

void PeerLink::hand_over_sending() {
  if (!cipher_ || host_.kernel_tls == nullptr || !host_.kernel_tls->is_there ||
      !cipher_->is_between_sent()) {
    return;
  }
  ++host_.counters.direct_calls;
  if (is_refused_by_kernel(
          io::hand_over_tls(fd_.get(), io::TlsDirection::sends, keys_of(cipher_->next_sent())))) {
    return;
  }
  cipher_->hand_over_sending();
  ++host_.counters.kernel_tls_senders;
}

void PeerLink::read_opened(size_t size_bytes) {
  const uint8_t type = io::TlsRecordType::of(recv_message_);
  if (type == io::TlsRecordType::data) {
    cipher_->kernel_received(size_bytes);
    receiver_.received(size_bytes);
    read_events();
  } else {
    cipher_->take_opened(type, tls::Segments({recv_message_.msg_iov, recv_message_.msg_iovlen}),
                         size_bytes);
  }
  if (is_connected()) {
    end_by_cipher();
  }
}

void PeerLink::note_sent(uint32_t payload_bytes) {
  if (!cipher_ || !cipher_->kernel_sends() || is_closing()) {
    return;
  }
  cipher_->kernel_sent(payload_bytes, host_.kernel_tls->key_bytes_max);
  if (cipher_->state() == LinkCipher::State::used_up) {
    end(CloseReason::key_used_up);
  }
}

// What a kernel says of a record that is not what was sealed next.
CloseReason PeerLink::reason_of_failed_receive(int error_number) const {
  const bool is_changed = cipher_ && cipher_->kernel_receives() &&
                          (error_number == EBADMSG || error_number == EMSGSIZE ||
                           error_number == EINVAL || error_number == EIO);
  return is_changed ? CloseReason::changed_on_the_way : reason_of_end(CloseReason::connection_lost);
}

bool PeerLink::is_key_used_up() const {
  return cipher_ && host_.kernel_tls != nullptr &&
         cipher_->carried_bytes() >= host_.kernel_tls->key_bytes_max;
}

void PeerLink::say_goodbye_by_kernel() {
  if (cipher_->state() == LinkCipher::State::open ||
      cipher_->state() == LinkCipher::State::used_up) {
    ++host_.counters.direct_calls;
    io::send_tls_record(fd_.get(), static_cast<uint8_t>(tls::ContentType::alert), tls::end_alert);
  }
}

}  // namespace murder::node
