// Makes what compresses a stream into a sink: zstd or gzip on all cores, or not at all. The same
// input and options give the same output, whatever the number of threads and however the input is
// cut.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "engine/archive/compressor.h"

namespace murder::archive {

struct CompressionOptions {
  ArchiveFormat format = ArchiveFormat::tar_zstd;
  std::optional<int> level;  // none: the format's own default (zstd 3, gzip 6)
  uint32_t threads = 0;      // 0: one for each core
  // Of the process: fewer threads where they would take more than half of it. None: no limit.
  std::optional<uint64_t> memory_bytes;
};

// 1 .. 19 for zstd, 1 .. 9 for gzip; none is always right.
[[nodiscard]] Status validate_level(ArchiveFormat format, std::optional<int> level);

// The sink outlives the compressor.
// Whether the memory that may be taken is enough to pack that many bytes, with one thread. An Error
// (limit) says how much it takes, rather than that the kernel ends the process.
[[nodiscard]] Status check_memory(const CompressionOptions& options, uint64_t source_bytes);

[[nodiscard]] Result<std::unique_ptr<Compressor>> make_compressor(const CompressionOptions& options,
                                                                  ByteSink& sink);

}  // namespace murder::archive
