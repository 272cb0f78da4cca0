#include "engine/node/link_proof.h"

#include <algorithm>

#include "engine/base/ensure.h"

namespace murder::node {

LinkProof::Sealed LinkProof::sealed(const codec::Handshake& handshake) const {
  Sealed made{};
  const auto wire = std::span(made).subspan<trust::mac_bytes>();
  codec::encode_handshake(handshake, wire);
  std::ranges::copy(proof_.seal(wire), made.begin());
  return made;
}

std::optional<LinkProof::Sealed> LinkProof::send(const codec::Handshake& handshake) {
  if (!is_answered_) {
    kept_back_ = handshake;
    return std::nullopt;
  }
  return sealed(handshake);
}

LinkProof::Taken LinkProof::take(std::span<const uint8_t> frame) {
  ENSURE(frame.size() == awaited_bytes());
  return is_answered_ ? take_sealed(frame.first<sealed_bytes>())
                      : take_first(frame.first<trust::frame_bytes>());
}

LinkProof::Taken LinkProof::take_first(trust::FrameView frame) {
  Taken taken;
  if (proof_.role() == Role::acceptor) {
    taken.answer = proof_.answer(frame);
    taken.is_right = taken.answer.has_value();
  } else {
    taken.is_right = proof_.take_answer(frame);
    if (proof_.differs()) {
      return {.farewell = proof_.farewell()};
    }
  }
  if (taken.is_right && kept_back_ && !proof_.differs()) {
    taken.sealed = sealed(*kept_back_);
    kept_back_.reset();
  }
  is_answered_ = taken.is_right;
  return taken;
}

LinkProof::Taken LinkProof::take_sealed(std::span<const uint8_t, sealed_bytes> frame) const {
  const auto wire = frame.subspan<trust::mac_bytes>();
  if (proof_.differs() || !proof_.is_sealed(frame.first<trust::mac_bytes>(), wire)) {
    return {};
  }
  Taken taken{.handshake = codec::decode_handshake(wire)};
  taken.is_right = taken.handshake.has_value();
  return taken;
}

}  // namespace murder::node
