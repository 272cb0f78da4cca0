// Hashes pieces that are whole in memory, several at once where there are several.
#pragma once

#include <cstdint>
#include <span>

#include "engine/base/types.h"
#include "engine/hash/kernels/sha1_kernel.h"
#include "engine/hash/sha1.h"
#include "engine/hash/sha1_choice.h"

namespace murder::hash {

// Belongs to one thread at a time. Allocates when made, not when used.
class PieceHasher {
 public:
  // How many inputs at once are worth waiting for, when they are there anyway.
  static constexpr uint32_t batch_max = sha1_lanes_max;

  explicit PieceHasher(const Sha1Choice& choice = sha1_choice()) : choice_(choice) {}

  // out[i] becomes the digest of inputs[i]; there is room for as many. Neighbours of the same
  // length are hashed side by side.
  void hash_batch(std::span<const std::span<const uint8_t>> inputs, std::span<Sha1Digest> out);

 private:
  void hash_equals(std::span<const std::span<const uint8_t>> inputs, std::span<Sha1Digest> out);

  const Sha1Choice& choice_;
  Sha1Stream stream_;
};

}  // namespace murder::hash
