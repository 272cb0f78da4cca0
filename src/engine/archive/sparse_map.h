// Where the data of a sparse file lies, as GNU tar's formats tell beside the pax records
// (pax_records.h).
#pragma once

#include <cstdint>
#include <vector>

#include "engine/archive/tar_block.h"
#include "engine/archive/tar_stream.h"
#include "engine/base/result.h"

namespace murder::archive {

struct SparseMap {
  std::vector<Extent> extents;
  uint64_t size_bytes = 0;  // of the file, holes included
};

// Old GNU format: in the header, and in blocks behind it.
[[nodiscard]] Result<SparseMap> read_gnu_map(const UstarBlock& header, TarStream& stream);

// Format 1.0: decimal lines at the beginning of the content, up to a whole block. What was read is
// taken off content_bytes.
[[nodiscard]] Result<std::vector<Extent>> read_map_in_content(TarStream& stream,
                                                              uint64_t& content_bytes);

// Extents are in order, lie within the file, and their data is as much as the archive has.
[[nodiscard]] bool is_sound_map(const SparseMap& map, uint64_t content_bytes);

}  // namespace murder::archive
