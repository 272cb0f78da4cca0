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

}  // namespace murder::hash
