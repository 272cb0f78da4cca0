// Hashes pieces that are whole in memory, several at once where there are several.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "engine/base/types.h"
#include "engine/hash/kernels/sha1_kernel.h"
#include "engine/hash/sha1.h"

namespace murder::hash {

// The SHA-1 kernels of this process, most lanes first; OpenSSL does what is left over.
struct Sha1Choice {
  static constexpr size_t kernels_max = 4;

  std::string_view name;  // "avx512", "sha-ni", "avx2", "openssl"
  std::array<Sha1Kernel, kernels_max> kernels;
  size_t kernel_count = 0;
  // Of one lane, as fast as OpenSSL's, where there is such a one: a state that others go on with.
  std::optional<Sha1Kernel> single;
};

// What this CPU does best, or what `wanted` names if the CPU has it ("" : no wish). A kernel that
// does not agree with OpenSSL on a trial is left out.
[[nodiscard]] Sha1Choice choose_sha1(std::string_view wanted);

// The choice of this process: by the environment variable MURDER_SHA1, made when first asked for.
[[nodiscard]] const Sha1Choice& sha1_choice();

// Belongs to one thread at a time. Allocates when made, not when used.
class PieceHasher {
 public:
  // How many inputs at once are worth waiting for, when they are there anyway.
  static constexpr uint32_t batch_max = sha1_lanes_max;

  explicit PieceHasher(const Sha1Choice& choice = sha1_choice()) : choice_(choice) {}

  // How many inputs of one length it takes to be faster than one by one.
  [[nodiscard]] uint32_t lanes() const {
    return choice_.kernel_count > 0 ? choice_.kernels[choice_.kernel_count - 1].lanes : 1;
  }

  // How many of them gain the most.
  [[nodiscard]] uint32_t lanes_best() const {
    return choice_.kernel_count > 0 ? choice_.kernels[0].lanes : 1;
  }

  // out[i] becomes the digest of inputs[i]. Neighbours of the same length are hashed side by side.
  void hash_batch(std::span<const std::span<const uint8_t>> inputs, std::span<Sha1Digest> out);

 private:
  void hash_equals(std::span<const std::span<const uint8_t>> inputs, std::span<Sha1Digest> out);

  const Sha1Choice& choice_;
  Sha1Stream stream_;
};

}  // namespace murder::hash
