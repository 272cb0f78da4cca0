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

// What a frame begins with: "murder" and the version. No other protocol begins with its first byte.
inline constexpr std::array<uint8_t, 8> frame_head = {'m', 'u', 'r', 'd', 'e', 'r', 0, 1};
inline constexpr size_t frame_bytes = frame_head.size() + nonce_bytes + mac_bytes;
using Frame = std::array<uint8_t, frame_bytes>;
using FrameView = std::span<const uint8_t, frame_bytes>;

inline constexpr size_t sealed_handshake_bytes = 68;  // BEP 3
using HandshakeView = std::span<const uint8_t, sealed_handshake_bytes>;

class PeerProof {
 public:
  enum class Role : uint8_t { dialler, acceptor };

  // `keys` has one at least, `nonce` was never used before.
  PeerProof(const SwarmKeys& keys, Role role, const Nonce& nonce);

  [[nodiscard]] Role role() const { return role_; }

  // The dialler's first frame.
  [[nodiscard]] Frame hello();
  // The acceptor's answer; nothing if the hello was made without a key of this swarm.
  [[nodiscard]] std::optional<Frame> answer(FrameView hello);
  // Whether the answer to this dialler's hello was made with the same key.
  [[nodiscard]] bool take_answer(FrameView answer);

  // After the frames: for the handshake that this side sends, and of the one that came.
  [[nodiscard]] Mac seal(HandshakeView own) const;
  [[nodiscard]] bool is_sealed(std::span<const uint8_t, mac_bytes> mac, HandshakeView remote) const;

 private:
  [[nodiscard]] Mac answer_mac(const SwarmKey& key) const;
  [[nodiscard]] Mac seal_by(Role role, HandshakeView handshake) const;

  const SwarmKeys* keys_;
  const SwarmKey* key_;  // that of this connection
  Role role_;
  Nonce nonce_;
  std::array<uint8_t, 2 * frame_bytes> frames_{};  // hello, answer
};

}  // namespace murder::trust
