// What a link of a closed swarm sends and awaits before its handshake counts: trust/peer_proof.h on
// one connection. No socket, no clock.
//
// side      awaits                            then sends
// dialler   answer (frame_bytes)              its seal and handshake, which were kept back
//           seal and handshake                nothing
// acceptor  hello (frame_bytes)               its answer
//           seal and handshake                its seal, in front of its handshake
//
// A stranger fails at the first frame, of which the beginning is looked at as soon as it is there,
// and is sent nothing. A member that speaks TLS (link_cipher.h) learns by our frame that we do not.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>

#include "engine/codec/peer_wire.h"
#include "engine/trust/peer_proof.h"

namespace murder::node {

class LinkProof {
 public:
  static constexpr uint32_t sealed_bytes = trust::mac_bytes + codec::handshake_bytes;
  static_assert(trust::sealed_handshake_bytes == codec::handshake_bytes);
  using Sealed = std::array<uint8_t, sealed_bytes>;

  using Role = trust::PeerProof::Role;

  LinkProof(const trust::SwarmKeys& keys, Role role, const trust::Nonce& nonce)
      : proof_(keys, role, nonce) {}

  // The dialler's first bytes.
  [[nodiscard]] trust::Frame hello() { return proof_.hello(); }
  // Of what comes next.
  [[nodiscard]] uint32_t awaited_bytes() const {
    return is_answered_ ? sealed_bytes : static_cast<uint32_t>(trust::frame_bytes);
  }

  [[nodiscard]] std::span<const uint8_t> awaited_head() const {
    return is_answered_ ? std::span<const uint8_t>() : trust::frame_begin;
  }

  // A dialler's hello was not answered rightly so far.
  [[nodiscard]] bool is_unanswered() const {
    return proof_.role() == Role::dialler && !is_answered_;
  }

  // A member that speaks another transport, which ends the link. (One that asks for TLS is no
  // tracker.)
  [[nodiscard]] bool differs() const { return proof_.differs(); }

  struct Taken {
    bool is_right = false;
    std::optional<trust::Frame> answer;         // to be sent
    std::optional<Sealed> sealed;               // likewise
    std::optional<trust::Mac> farewell;         // likewise, before the link ends
    std::optional<codec::Handshake> handshake;  // of the other side, which has proven the key
  };
  // `frame` has awaited_bytes().
  [[nodiscard]] Taken take(std::span<const uint8_t> frame);

  // The own handshake, sealed; nothing while it is to be kept back, to come with Taken::sealed.
  [[nodiscard]] std::optional<Sealed> send(const codec::Handshake& handshake);

 private:
  [[nodiscard]] Sealed sealed(const codec::Handshake& handshake) const;
  [[nodiscard]] Taken take_first(trust::FrameView frame);
  [[nodiscard]] Taken take_sealed(std::span<const uint8_t, sealed_bytes> frame) const;

  trust::PeerProof proof_;
  bool is_answered_ = false;  // the first frames were exchanged
  std::optional<codec::Handshake> kept_back_;
};

}  // namespace murder::node
