// How two peers prove the fleet key to each other in front of their handshakes (docs/protocol.md,
// "Closed swarm"). No socket, no clock, no randomness.
//
//   dialler                               acceptor
//   hello:  head, nonce, MAC         ->
//                                    <-   answer: head, nonce, MAC of hello and answer
//   seal: MAC of both and of its
//   handshake; the handshake         ->
//                                    <-   seal, handshake
//
// With the transport `tls` a handshake of TLS 1.3 follows the answer in place of the seals, by a
// key that is made of both frames (tls_key()). Each frame says, under its MAC, which transport its
// sender speaks: members that differ find out, and nobody else can make them differ. A dialler that
// learns so from the answer sends a farewell, a seal of no handshake, which tells it from a
// tracker: those are content with an answer.
//
// Each MAC has a key of its own, which depends on the role, the message and the swarm. One object
// is one connection; it refers to keys that outlive it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "engine/trust/hmac.h"
#include "engine/trust/swarm_keys.h"

namespace murder::trust {

inline constexpr size_t nonce_bytes = 32;
using Nonce = std::array<uint8_t, nonce_bytes>;

// What follows the frames.
enum class Transport : uint8_t { plain = 0, tls = 1 };

// What a frame begins with: these bytes, the transport, and the version, 1. No other protocol
// begins with the first byte.
inline constexpr std::array<uint8_t, 6> frame_begin = {'m', 'u', 'r', 'd', 'e', 'r'};
inline constexpr size_t frame_head_bytes = frame_begin.size() + 2;
inline constexpr size_t frame_bytes = frame_head_bytes + nonce_bytes + mac_bytes;
using Frame = std::array<uint8_t, frame_bytes>;
using FrameView = std::span<const uint8_t, frame_bytes>;

inline constexpr size_t sealed_handshake_bytes = 68;  // BEP 3
using HandshakeView = std::span<const uint8_t, sealed_handshake_bytes>;

class PeerProof {
 public:
  enum class Role : uint8_t { dialler, acceptor };

  // `keys` has one at least, `nonce` was never used before.
  PeerProof(const SwarmKeys& keys, Role role, const Nonce& nonce,
            Transport transport = Transport::plain);

  [[nodiscard]] Role role() const { return role_; }
  [[nodiscard]] Transport transport() const { return transport_; }
  // After the other side's frame was taken: it speaks another transport.
  [[nodiscard]] bool differs() const { return remote_transport_ != transport_; }

  // The dialler's first frame.
  [[nodiscard]] Frame hello();
  // The acceptor's answer; nothing if the hello was made without a key of this swarm.
  [[nodiscard]] std::optional<Frame> answer(FrameView hello);
  // Whether the answer to this dialler's hello was made with the same key.
  [[nodiscard]] bool take_answer(FrameView answer);

  // After the frames: for the handshake that this side sends, and of the one that came.
  [[nodiscard]] Mac seal(HandshakeView own) const;
  [[nodiscard]] bool is_sealed(std::span<const uint8_t, mac_bytes> mac, HandshakeView remote) const;
  // Of a dialler, when the transports differ.
  [[nodiscard]] Mac farewell() const;
  [[nodiscard]] bool is_farewell(std::span<const uint8_t, mac_bytes> mac) const;
  // After the frames: what both sides have, and nobody else. Of this connection alone.
  [[nodiscard]] Secret tls_key() const;

 private:
  [[nodiscard]] Mac answer_mac(const SwarmKey& key) const;
  [[nodiscard]] Mac seal_by(Role role, HandshakeView handshake) const;

  const SwarmKeys* keys_;
  const SwarmKey* key_;  // that of this connection
  Role role_;
  Nonce nonce_;
  Transport transport_;
  Transport remote_transport_;
  std::array<uint8_t, 2 * frame_bytes> frames_{};  // hello, answer
};

}  // namespace murder::trust
