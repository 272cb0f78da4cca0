// What compresses a stream, and the formats of archives.
#pragma once

#include <cstdint>
#include <string_view>

#include "engine/archive/byte_sink.h"
#include "engine/base/result.h"

namespace murder::archive {

enum class ArchiveFormat : uint8_t { tar_zstd, tar_gzip, tar };

// ".tar.zst", ".tar.gz", ".tar".
[[nodiscard]] std::string_view suffix_of(ArchiveFormat format);

class Compressor : public ByteSink {
 public:
  // Writes what is still inside, and the end of the stream. Once, at the end.
  [[nodiscard]] virtual Status finish() = 0;
};

}  // namespace murder::archive
