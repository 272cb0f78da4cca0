// SHA-1 (FIPS 180-4), what BitTorrent names torrents and pieces by.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "engine/base/types.h"

struct evp_md_ctx_st;

namespace murder::hash {

[[nodiscard]] Sha1Digest sha1(std::span<const uint8_t> bytes);

// SHA-1 of bytes that come in parts. Belongs to one thread at a time; allocates when made, not when
// used.
class Sha1Stream {
 public:
  Sha1Stream();

  void update(std::span<const uint8_t> bytes);
  // The digest of all bytes since the last finish(); then starts anew.
  [[nodiscard]] Sha1Digest finish();

 private:
  struct Free {
    void operator()(evp_md_ctx_st* context) const;
  };
  std::unique_ptr<evp_md_ctx_st, Free> context_;
};

// Hashes pieces as they become complete, several at once where there are several: the seam behind
// which kernels for many lanes go. Belongs to one thread at a time.
class PieceHasher {
 public:
  // How many inputs at once are worth waiting for, when they are there anyway.
  static constexpr uint32_t batch_max = 16;

  // out[i] becomes the digest of inputs[i]; both have the same length, which may be any.
  void hash_batch(std::span<const std::span<const uint8_t>> inputs, std::span<Sha1Digest> out);

 private:
  Sha1Stream stream_;
};

}  // namespace murder::hash
