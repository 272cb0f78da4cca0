#include "engine/trust/peer_proof.h"

#include <algorithm>

#include "engine/base/ensure.h"

namespace murder::trust {
namespace {

constexpr size_t mac_at = frame_bytes - mac_bytes;

// Head and nonce of a frame: what its MAC is over.
void begin_frame(std::span<uint8_t> frame, const Nonce& nonce) {
  std::ranges::copy(frame_head, frame.begin());
  std::ranges::copy(nonce, frame.subspan(frame_head.size()).begin());
}

bool has_head(FrameView frame) {
  return std::ranges::equal(frame.first<frame_head.size()>(), frame_head);
}

}  // namespace

PeerProof::PeerProof(const SwarmKeys& keys, Role role, const Nonce& nonce)
    : keys_(&keys), key_(keys.keys.data()), role_(role), nonce_(nonce) {
  ENSURE(keys.count > 0);
}

Frame PeerProof::hello() {
  ENSURE(role_ == Role::dialler);
  const std::span<uint8_t> frame = std::span(frames_).first<frame_bytes>();
  begin_frame(frame, nonce_);
  std::ranges::copy(hmac_sha256(key_->hello, frame.first(mac_at)), frame.subspan(mac_at).begin());
  Frame hello{};
  std::ranges::copy(frame, hello.begin());
  return hello;
}

// All keys are tried, so that what it takes does not depend on which of them fits.
std::optional<Frame> PeerProof::answer(FrameView hello) {
  ENSURE(role_ == Role::acceptor);
  const SwarmKey* fitting = nullptr;
  for (const SwarmKey& key : keys_->all()) {
    const Mac mac = hmac_sha256(key.hello, hello.first(mac_at));
    fitting = is_same(mac, hello.subspan(mac_at)) ? &key : fitting;
  }
  if (fitting == nullptr || !has_head(hello)) {
    return std::nullopt;
  }
  key_ = fitting;
  std::ranges::copy(hello, frames_.begin());
  const std::span<uint8_t> frame = std::span(frames_).subspan<frame_bytes>();
  begin_frame(frame, nonce_);
  std::ranges::copy(answer_mac(*key_), frame.subspan(mac_at).begin());
  Frame made{};
  std::ranges::copy(frame, made.begin());
  return made;
}

// Of the whole hello, and of the answer up to its MAC.
Mac PeerProof::answer_mac(const SwarmKey& key) const {
  return hmac_sha256(key.answer, std::span(frames_).first(frame_bytes + mac_at));
}

bool PeerProof::take_answer(FrameView answer) {
  ENSURE(role_ == Role::dialler);
  std::ranges::copy(answer, std::span(frames_).subspan<frame_bytes>().begin());
  return is_same(answer_mac(*key_), answer.subspan(mac_at)) && has_head(answer);
}

Mac PeerProof::seal_by(Role role, HandshakeView handshake) const {
  std::array<uint8_t, 2 * frame_bytes + sealed_handshake_bytes> message{};
  std::ranges::copy(frames_, message.begin());
  std::ranges::copy(handshake, std::span(message).subspan<2 * frame_bytes>().begin());
  return hmac_sha256(role == Role::dialler ? key_->dialler_seal : key_->acceptor_seal, message);
}

Mac PeerProof::seal(HandshakeView own) const {
  return seal_by(role_, own);
}

bool PeerProof::is_sealed(std::span<const uint8_t, mac_bytes> mac, HandshakeView remote) const {
  const Role other = role_ == Role::dialler ? Role::acceptor : Role::dialler;
  return is_same(seal_by(other, remote), mac);
}

}  // namespace murder::trust
