// How a link begins: in a closed swarm both sides prove the fleet key first.
#include <algorithm>

#include "engine/base/random_word.h"
#include "engine/node/peer_link.h"

namespace murder::node {

using swarm::CloseReason;

void PeerLink::begin(LinkProof::Role role) {
  connected_at_ = host_.now();
  if (host_.closed == nullptr) {
    ENSURE(host_.encryption == nullptr);
    enter(State::handshaking);
    host_.work.wants_arm(*this);
    return;
  }
  enter(State::proving);
  trust::Nonce nonce{};
  if (!fill_random(nonce)) {
    host_.work.wants_end(*this, CloseReason::unproven);
    return;
  }
  if (host_.encryption != nullptr) {
    cipher_.emplace(*host_.encryption, *host_.closed, role, nonce,
                    tls::Session::Options{.rekey_bytes = host_.kernel_tls != nullptr
                                                             ? host_.kernel_tls->key_bytes_max
                                                             : limits::tls_rekey_bytes});
    host_.work.wants_flush(*this);
  } else {
    proof_.emplace(*host_.closed, role, nonce);
    receiver_.await_proof(proof_->awaited_bytes(), proof_->awaited_head());
    if (role == LinkProof::Role::dialler) {
      send_bytes(proof_->hello());
    }
  }
  host_.work.wants_arm(*this);
}

CloseReason PeerLink::reason_unproven() const {
  const bool differs = (proof_ && proof_->differs()) || (cipher_ && cipher_->differs());
  return differs ? CloseReason::transport_differs : CloseReason::unproven;
}

CloseReason PeerLink::reason_of_end(CloseReason otherwise) const {
  const bool is_unanswered =
      (proof_ && proof_->is_unanswered()) || (cipher_ && cipher_->is_unanswered());
  const CloseReason unproven = reason_unproven();
  return is_unanswered || unproven != CloseReason::unproven ? unproven : otherwise;
}

// Some hundred bytes in an empty queue.
void PeerLink::send_bytes(std::span<const uint8_t> bytes) {
  const std::span<uint8_t> wire = append(bytes.size());
  ENSURE(wire.size() == bytes.size());
  std::ranges::copy(bytes, wire.begin());
  host_.work.wants_flush(*this);
}

void PeerLink::send_handshake(const codec::Handshake& handshake) {
  if (host_.closed == nullptr || cipher_) {
    // With TLS it waits in the queue until all passes in records.
    std::array<uint8_t, codec::handshake_bytes> wire{};
    codec::encode_handshake(handshake, wire);
    send_bytes(wire);
  } else if (proof_) {
    if (const auto sealed = proof_->send(handshake)) {
      send_bytes(*sealed);
    }
  }
}

void PeerLink::take_proof(std::span<const uint8_t> frame) {
  const LinkProof::Taken taken = proof_->take(frame);
  if (!taken.is_right) {
    if (taken.farewell) {
      send_now(*taken.farewell);
    }
    end(reason_unproven());
    return;
  }
  if (taken.answer) {
    send_bytes(*taken.answer);
  }
  if (taken.sealed) {
    send_bytes(*taken.sealed);
  }
  if (!taken.handshake) {
    receiver_.await_proof(proof_->awaited_bytes(), proof_->awaited_head());
    return;
  }
  receiver_.expect_messages();
  enter(State::open);
  host_.swarm.received(session_, *taken.handshake, host_.now());
}

}  // namespace murder::node
