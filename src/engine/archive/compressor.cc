#include "engine/archive/compressor.h"

#include <fmt/format.h>

#include <algorithm>
#include <thread>
#include <utility>
#include <vector>

#include "engine/archive/parallel_compressor.h"
#include "engine/archive/part_compressor.h"
#include "engine/base/ensure.h"

namespace murder::archive {

namespace {

constexpr int zstd_level_max = 19;  // those above need much memory on every host that unpacks
constexpr int gzip_level_max = 9;
constexpr uint32_t threads_max = 64;  // each has some 16 MiB of input and output

class NoCompressor : public Compressor {
 public:
  explicit NoCompressor(ByteSink& sink) : sink_(sink) {}
  Status write(std::span<const uint8_t> bytes) override { return sink_.write(bytes); }
  Status finish() override { return {}; }

 private:
  ByteSink& sink_;
};

}  // namespace

std::string_view suffix_of(ArchiveFormat format) {
  switch (format) {
    case ArchiveFormat::tar_zstd:
      return ".tar.zst";
    case ArchiveFormat::tar_gzip:
      return ".tar.gz";
    case ArchiveFormat::tar:
      return ".tar";
  }
  ENSURE(false);
}

Status validate_level(ArchiveFormat format, std::optional<int> level) {
  const int level_max = format == ArchiveFormat::tar_zstd   ? zstd_level_max
                        : format == ArchiveFormat::tar_gzip ? gzip_level_max
                                                            : 0;
  if (level && (*level < 1 || *level > level_max)) {
    return fail(ErrorCode::invalid_input,
                level_max == 0 ? "a plain tar has no compression level"
                               : fmt::format("the level is {}: 1 .. {} are possible for {}", *level,
                                             level_max, suffix_of(format)));
  }
  return {};
}

Result<std::unique_ptr<Compressor>> make_compressor(const CompressionOptions& options,
                                                    ByteSink& sink) {
  if (Status valid = validate_level(options.format, options.level); !valid) {
    return fail(valid.error());
  }
  const uint32_t cores = std::max(std::thread::hardware_concurrency(), 1U);
  const uint32_t threads = std::min(options.threads == 0 ? cores : options.threads, threads_max);
  if (options.format == ArchiveFormat::tar) {
    return std::make_unique<NoCompressor>(sink);
  }
  std::vector<std::unique_ptr<PartCompressor>> compressors(threads);
  for (std::unique_ptr<PartCompressor>& compressor : compressors) {
    compressor = make_part_compressor(options.format, options.level);
  }
  return std::make_unique<ParallelCompressor>(sink, part_bytes_of(options.format),
                                              std::move(compressors));
}

}  // namespace murder::archive
