// SHA-1 of pieces that come in parts, each at its own pace. What several have ready is hashed side
// by side, at a third to half of the cost, so when the last part of one comes little is left to do.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/base/types.h"
#include "engine/hash/kernels/sha1_kernel.h"
#include "engine/hash/sha1_choice.h"

namespace murder::hash {

// Belongs to one thread at a time. Allocates when made, not when used.
class PieceStreams {
 public:
  // Less than this of a piece that is not whole is not worth a step.
  static constexpr uint32_t step_bytes_min = 64 << 10;

  explicit PieceStreams(uint32_t stream_count, const Sha1Choice& choice = sha1_choice());

  void restart(uint32_t stream) { streams_[stream] = {}; }
  // So many bytes of the stream need not stay.
  [[nodiscard]] uint32_t hashed_bytes(uint32_t stream) const {
    return streams_[stream].hashed_bytes;
  }

  struct Part {
    uint32_t stream = 0;
    std::span<const uint8_t> bytes;  // all that has come since the start, those hashed included
    bool is_whole = false;
  };
  // Hashes what is whole, and of the others what can be hashed in company. At most one part of each
  // stream; the order of the parts changes.
  void advance(std::span<Part> parts);
  // The digest of a message that is whole and was advanced so; the stream starts anew.
  [[nodiscard]] Sha1Digest finish(uint32_t stream, std::span<const uint8_t> bytes);

 private:
  struct Stream {
    Sha1State state = sha1_initial_state;
    uint32_t hashed_bytes = 0;  // whole blocks
  };

  [[nodiscard]] size_t blocks_left(const Part& part) const;
  void step(const Sha1Kernel& kernel, std::span<const Part> parts);

  const Sha1Choice& choice_;
  std::vector<Stream> streams_;
};

}  // namespace murder::hash
