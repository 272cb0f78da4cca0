// The tar format as bytes: ustar headers (POSIX.1-1988), extended by pax records (POSIX.1-2001)
// where a value does not fit, and GNU's sparse format 1.0. Pure: the same entry gives the same
// bytes.
//
// Written: permission bits, modification time in whole seconds, links. Not written: owner (0:0, no
// names), access and change times, access lists, extended attributes.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "engine/archive/tree_walk.h"

namespace murder::archive {

inline constexpr uint64_t tar_block_bytes = 512;
inline constexpr uint64_t tar_end_bytes = 2 * tar_block_bytes;  // zeros that end an archive

// A part of a file that holds data; between them are holes.
struct Extent {
  uint64_t offset = 0;
  uint64_t size_bytes = 0;

  bool operator==(const Extent&) const = default;
};

// All blocks before the content of a file, or the whole of another entry.
[[nodiscard]] std::string tar_header(const TreeEntry& entry);

// The same for a file with holes, whose content is that of the extents, one behind the other.
// Extents are in order and lie within the file.
[[nodiscard]] std::string tar_sparse_header(const TreeEntry& entry,
                                            std::span<const Extent> extents);

// Zeros that fill the last block of a content.
[[nodiscard]] constexpr uint64_t tar_padding_bytes(uint64_t content_bytes) {
  return (tar_block_bytes - content_bytes % tar_block_bytes) % tar_block_bytes;
}

}  // namespace murder::archive
