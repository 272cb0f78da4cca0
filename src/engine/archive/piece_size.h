// How large the pieces of a release should be.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>

#include "engine/base/bounds.h"
#include "engine/base/result.h"

namespace murder::archive {

// A power of two. A swarm needs many pieces to have something to exchange: of an archive of
// `archive_bytes` there are at least some 400, unless that would make pieces smaller than 16 KiB.
// They grow to 4 MiB, since a peer holds several in its memory, and above 256 GiB to 16 MiB, since
// each has a digest in the torrent.
[[nodiscard]] constexpr uint32_t piece_size_for(uint64_t archive_bytes) {
  constexpr uint64_t pieces_wanted = 400;
  constexpr uint64_t pieces_many = 64 * 1024;
  constexpr uint64_t bytes_usual_max = 4ULL * 1024 * 1024;
  constexpr uint64_t bytes_max = 16ULL * 1024 * 1024;
  static_assert(bytes_max <= limits::piece_bytes_max);
  const uint64_t wanted = std::bit_floor(std::max<uint64_t>(archive_bytes / pieces_wanted, 1));
  const uint64_t usual = std::clamp<uint64_t>(wanted, limits::piece_bytes_min, bytes_usual_max);
  const uint64_t needed = std::bit_ceil(std::max<uint64_t>(archive_bytes / pieces_many, 1));
  return static_cast<uint32_t>(std::clamp(needed, usual, bytes_max));
}

// The size has to be chosen before an archive is packed, from the size of the tree: what compresses
// four to one still has its 400 pieces.
inline constexpr uint64_t compression_assumed = 4;

// A power of two from 16 KiB to limits::piece_bytes_max.
[[nodiscard]] Status validate_piece_size(uint64_t piece_bytes);

}  // namespace murder::archive
