// SHA-1 of several messages of one length that come in parts, all of them at the same pace: files
// that are read side by side. What PieceHasher does for messages that are whole in memory.
//
// Belongs to one thread at a time. Allocates when made, not when used; bounded by
// lanes_max() * buffer_bytes.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "engine/base/types.h"
#include "engine/hash/kernels/sha1_kernel.h"
#include "engine/hash/sha1.h"
#include "engine/hash/sha1_choice.h"

namespace murder::hash {

class Sha1Lanes {
 public:
  static constexpr size_t buffer_alignment = 4096;

  // Every message has a buffer of this size, aligned as O_DIRECT wants it. A multiple of
  // buffer_alignment.
  explicit Sha1Lanes(size_t buffer_bytes, const Sha1Choice& choice = sha1_choice());

  // How many messages at once gain something.
  [[nodiscard]] static uint32_t lanes_of(const Sha1Choice& choice) {
    return choice.kernel_count == 0 ? 1 : choice.kernels[0].lanes;
  }
  [[nodiscard]] uint32_t lanes_max() const { return lanes_max_; }
  [[nodiscard]] size_t buffer_bytes() const { return buffer_bytes_; }
  [[nodiscard]] std::span<uint8_t> buffer(uint32_t lane) const;

  // Begins that many messages, whatever became of those before.
  void start(uint32_t lane_count);
  // The next part of each message: so many bytes from the front of its buffer. A multiple of
  // sha1_block_bytes, unless it is the last part.
  void update(size_t bytes);
  // out[i] becomes the digest of message i, for all that were begun.
  void finish(std::span<Sha1Digest> out);

 private:
  struct Free {
    void operator()(uint8_t* memory) const;
  };

  // Advances the lanes that fill kernels, and returns how many those are.
  uint32_t advance(const std::array<const uint8_t*, sha1_lanes_max>& places, size_t block_count);

  const Sha1Choice& choice_;
  size_t buffer_bytes_;
  uint32_t lanes_max_;
  std::unique_ptr<uint8_t, Free> memory_;
  uint32_t lane_count_ = 0;
  uint64_t message_bytes_ = 0;
  std::array<Sha1State, sha1_lanes_max> states_{};
  std::array<std::span<const uint8_t>, sha1_lanes_max> rests_;  // behind the last whole block
  std::vector<Sha1Stream> streams_;                             // for lanes that fill no kernel
};

}  // namespace murder::hash
