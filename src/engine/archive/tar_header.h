// The tar format as bytes: ustar headers (POSIX.1-1988), extended by pax records (POSIX.1-2001)
// where a value does not fit, and GNU's sparse format 1.0. Pure: the same entry gives the same
// bytes.
//
// Written: permission bits, modification time to the nanosecond, links, extended attributes (access
// lists and file capabilities among them) when the entry has any. Not written: owner (0:0, no
// names), access and change times.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "engine/archive/tar_block.h"
#include "engine/archive/tree_walk.h"

namespace murder::archive {

// All blocks before the content of a file, or the whole of another entry.
[[nodiscard]] std::string tar_header(const TreeEntry& entry);

// The same for a file with holes, whose content is that of the extents, one behind the other.
// Extents are in order and lie within the file.
[[nodiscard]] std::string tar_sparse_header(const TreeEntry& entry,
                                            std::span<const Extent> extents);

}  // namespace murder::archive
