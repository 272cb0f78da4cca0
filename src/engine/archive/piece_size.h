// How large the pieces of a release should be.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>

#include "engine/base/bounds.h"
#include "engine/base/result.h"

namespace murder::archive {

inline constexpr uint32_t hosts_expected_default = 1000;
inline constexpr uint32_t hosts_expected_max = 1'000'000;

// How many pieces a release should have for that many hosts at the least, if they can have 16 KiB.
// A host passes on whole pieces, so the last of N hosts is some log2 N pieces behind the seeder:
// with 25 log2 N pieces that is a few percent.
[[nodiscard]] constexpr uint64_t pieces_least_for(uint32_t host_count) {
  return 25 * static_cast<uint64_t>(std::bit_width(host_count));  // log2, rounded up
}

// A power of two: the largest that leaves the release 400 pieces, and at least
// pieces_least_for(), but
// - 256 KiB rather than less, where pieces_least_for() are enough for that. Small pieces are most
//   of all messages and latency: 64 MiB to 200 simulated hosts with 10 Gbit/s take 0.084, 0.073 and
//   0.077 s in pieces of 128, 256 and 512 KiB (with 1 Gbit/s and 0.1 ms 0.589, 0.601 and 0.625 s),
//   and 25,400, 14,000 and 7,500 messages a host;
// - not under 16 KiB;
// - not above 2 MiB, up to 128 GiB: a peer hashes up to sixteen side by side, which its memory and
//   the processor's caches have to hold (4 GiB from a seeder to a peer on two cores with AVX-512:
//   0.45, 0.51 and 0.65 s of the peer's CPU a GB with 1, 2 and 4 MiB), and 4 MiB gain nothing
//   (300 simulated hosts, 1 GiB, 10 Gbit/s, 0.2 ms: the last after 1.01, 0.98 and 1.01 s with 1, 2
//   and 4 MiB); above that up to 16 MiB, since each has a digest in the torrent.
[[nodiscard]] constexpr uint32_t piece_size_for(uint64_t archive_bytes,
                                                uint32_t host_count = hosts_expected_default) {
  constexpr uint64_t pieces_wanted = 400;
  constexpr uint64_t bytes_cheap = 256 * 1024;
  constexpr uint64_t pieces_many = 64 * 1024;
  constexpr uint64_t bytes_usual_max = 2ULL * 1024 * 1024;
  constexpr uint64_t bytes_max = 16ULL * 1024 * 1024;
  static_assert(bytes_max <= limits::piece_bytes_max);
  const auto size_leaving = [&](uint64_t piece_count) {
    return std::bit_floor(std::max<uint64_t>(archive_bytes / piece_count, 1));
  };
  const uint64_t least = pieces_least_for(host_count);
  const uint64_t wanted = size_leaving(std::max(pieces_wanted, least));
  const uint64_t cheap = std::min(size_leaving(least), bytes_cheap);
  const uint64_t usual =
      std::clamp<uint64_t>(std::max(wanted, cheap), limits::piece_bytes_min, bytes_usual_max);
  const uint64_t needed = std::bit_ceil(std::max<uint64_t>(archive_bytes / pieces_many, 1));
  return static_cast<uint32_t>(std::clamp(needed, usual, bytes_max));
}

// The size has to be chosen before an archive is packed, from the size of the tree: what compresses
// four to one still has the pieces that it needs.
inline constexpr uint64_t compression_assumed = 4;

// A power of two from 16 KiB to limits::piece_bytes_max.
[[nodiscard]] Status validate_piece_size(uint64_t piece_bytes);

}  // namespace murder::archive
