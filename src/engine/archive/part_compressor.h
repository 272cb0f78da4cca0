// Compresses one part of a stream into a separate stream: a zstd frame or a gzip member. Such
// streams one after the other are one stream to whoever reads them (RFC 8878, section 3; RFC 1952,
// section 2.2). For one thread each.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "engine/archive/compressor.h"

namespace murder::archive {

class PartCompressor {
 public:
  virtual ~PartCompressor() = default;
  // The output's old content is lost.
  [[nodiscard]] virtual Status compress(std::span<const uint8_t> part,
                                        std::vector<uint8_t>& output) = 0;
};

// Bytes of the input in each part but the last. Large enough to cost less than a percent of the
// output.
[[nodiscard]] size_t part_bytes_of(ArchiveFormat format);

// Not for plain tar. The level is valid.
[[nodiscard]] std::unique_ptr<PartCompressor> make_part_compressor(ArchiveFormat format,
                                                                   std::optional<int> level);

}  // namespace murder::archive
