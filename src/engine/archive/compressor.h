// Compresses a stream into a sink: zstd or gzip on all cores, or not at all. The same input and
// options give the same output, whatever the number of threads and however the input is cut.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "engine/archive/byte_sink.h"
#include "engine/base/result.h"

namespace murder::archive {

enum class ArchiveFormat : uint8_t { tar_zstd, tar_gzip, tar };

// ".tar.zst", ".tar.gz", ".tar".
[[nodiscard]] std::string_view suffix_of(ArchiveFormat format);

struct CompressionOptions {
  ArchiveFormat format = ArchiveFormat::tar_zstd;
  std::optional<int> level;  // none: the format's own default (zstd 3, gzip 6)
  uint32_t threads = 0;      // 0: one for each core
  // Of the process: fewer threads where they would take more than half of it. None: no limit.
  std::optional<uint64_t> memory_bytes;
};

// 1 .. 19 for zstd, 1 .. 9 for gzip; none is always right.
[[nodiscard]] Status validate_level(ArchiveFormat format, std::optional<int> level);

class Compressor : public ByteSink {
 public:
  // Writes what is still inside, and the end of the stream. Once, at the end.
  [[nodiscard]] virtual Status finish() = 0;
};

// The sink outlives the compressor.
[[nodiscard]] Result<std::unique_ptr<Compressor>> make_compressor(const CompressionOptions& options,
                                                                  ByteSink& sink);

}  // namespace murder::archive
