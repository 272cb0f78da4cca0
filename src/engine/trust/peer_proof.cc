#include "engine/trust/peer_proof.h"

#include <algorithm>

#include "engine/base/ensure.h"

namespace murder::trust {
namespace {

constexpr size_t mac_at = frame_bytes - mac_bytes;
constexpr size_t transport_at = frame_begin.size();
constexpr size_t version_at = transport_at + 1;
constexpr uint8_t frame_version = 1;
constexpr std::array<uint8_t, sealed_handshake_bytes> no_handshake{};

// Head and nonce of a frame: what its MAC is over.
void begin_frame(std::span<uint8_t> frame, const Nonce& nonce, Transport transport) {
  std::ranges::copy(frame_begin, frame.begin());
  frame[transport_at] = static_cast<uint8_t>(transport);
  frame[version_at] = frame_version;
  std::ranges::copy(nonce, frame.subspan(frame_head_bytes).begin());
}

std::optional<Transport> transport_of(FrameView frame) {
  const bool has_head = std::ranges::equal(frame.first<frame_begin.size()>(), frame_begin) &&
                        frame[version_at] == frame_version &&
                        frame[transport_at] <= static_cast<uint8_t>(Transport::tls);
  return has_head ? std::optional(static_cast<Transport>(frame[transport_at])) : std::nullopt;
}

}  // namespace

PeerProof::PeerProof(const SwarmKeys& keys, Role role, const Nonce& nonce, Transport transport)
    : keys_(&keys),
      key_(keys.keys.data()),
      role_(role),
      nonce_(nonce),
      transport_(transport),
      remote_transport_(transport) {
  ENSURE(keys.count > 0);
}

Frame PeerProof::hello() {
  ENSURE(role_ == Role::dialler);
  const std::span<uint8_t> frame = std::span(frames_).first<frame_bytes>();
  begin_frame(frame, nonce_, transport_);
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
  const std::optional<Transport> transport = transport_of(hello);
  if (fitting == nullptr || !transport) {
    return std::nullopt;
  }
  key_ = fitting;
  remote_transport_ = *transport;
  std::ranges::copy(hello, frames_.begin());
  const std::span<uint8_t> frame = std::span(frames_).subspan<frame_bytes>();
  begin_frame(frame, nonce_, transport_);
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
  const std::optional<Transport> transport = transport_of(answer);
  if (!is_same(answer_mac(*key_), answer.subspan(mac_at)) || !transport) {
    return false;
  }
  remote_transport_ = *transport;
  return true;
}

Mac PeerProof::farewell() const {
  ENSURE(role_ == Role::dialler);
  return seal(no_handshake);
}

bool PeerProof::is_farewell(std::span<const uint8_t, mac_bytes> mac) const {
  return is_sealed(mac, no_handshake);
}

Secret PeerProof::tls_key() const {
  ENSURE(transport_ == Transport::tls && !differs());
  return hmac_sha256(key_->tls, frames_);
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
