// A tree as a tar stream.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/archive/byte_sink.h"
#include "engine/archive/observer.h"
#include "engine/archive/tar_header.h"
#include "engine/archive/tree_walk.h"
#include "engine/base/result.h"

namespace murder::archive {

struct PackTreeOptions {
  std::string root_name;  // how the root is called in texts
  const CancelFlag* cancel = nullptr;
};

struct PackedTree {
  // Of all files, hard links once and without holes, and of extended attributes.
  uint64_t data_bytes = 0;
};

// Writes all entries of the tree below root_fd, and the end of the archive. A file or directory
// that changed, grew, shrank or vanished since it was listed is an Error: the stream is then of no
// use.
[[nodiscard]] Result<PackedTree> pack_tree(int root_fd, const Tree& tree,
                                           const PackTreeOptions& options, ByteSink& sink,
                                           Observer& observer);

// Where a file of this size has data, as the file system tells; one extent when it cannot.
[[nodiscard]] Result<std::vector<Extent>> data_extents(int fd, uint64_t size_bytes,
                                                       const std::string& path);

}  // namespace murder::archive
