#include "engine/archive/make_compressor.h"

#include <fmt/format.h>

#include <algorithm>
#include <thread>
#include <utility>
#include <vector>

#include "engine/archive/parallel_compressor.h"
#include "engine/archive/part_compressor.h"
#include "engine/base/units.h"

namespace murder::archive {

namespace {

constexpr int zstd_level_max = 19;  // those above need much memory on every host that unpacks
constexpr int gzip_level_max = 9;
constexpr uint32_t spare_parts_usual = 2;                     // being filled, and being written
constexpr uint64_t compressor_state_bytes = 8 * 1024 * 1024;  // of a thread, about
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

Status check_memory(const CompressionOptions& options, uint64_t source_bytes) {
  if (!options.memory_bytes || options.format == ArchiveFormat::tar) {
    return {};
  }
  const uint64_t part_bytes = std::min<uint64_t>(part_bytes_of(options.format), source_bytes);
  const uint64_t parts = source_bytes > part_bytes ? 2 : 1;
  const uint64_t written_bytes = std::min(compressor_state_bytes, source_bytes);  // on their way
  const uint64_t needed_bytes = 2 * part_bytes * parts + compressor_state_bytes + written_bytes;
  if (needed_bytes <= *options.memory_bytes) {
    return {};
  }
  return fail(ErrorCode::limit,
              fmt::format("packing this takes {} of memory, {} are allowed (by a control group or "
                          "ulimit -v): allow more, or pack with --format tar",
                          format_size(needed_bytes), format_size(*options.memory_bytes)));
}

Result<std::unique_ptr<Compressor>> make_compressor(const CompressionOptions& options,
                                                    ByteSink& sink) {
  if (Status valid = validate_level(options.format, options.level); !valid) {
    return fail(valid.error());
  }
  const uint32_t cores = std::max(std::thread::hardware_concurrency(), 1U);
  uint32_t threads = std::min(options.threads == 0 ? cores : options.threads, threads_max);
  if (options.format == ArchiveFormat::tar) {
    return std::make_unique<NoCompressor>(sink);
  }
  const size_t part_bytes = part_bytes_of(options.format);
  const auto fits = [&](uint32_t count, uint32_t spare_parts) {
    const uint64_t parts_bytes = uint64_t{2} * part_bytes * (count + spare_parts);
    return !options.memory_bytes ||
           parts_bytes + count * compressor_state_bytes <= *options.memory_bytes / 2;
  };
  while (threads > 1 && !fits(threads, spare_parts_usual)) {
    --threads;
  }
  const uint32_t spare_parts = fits(threads, spare_parts_usual) ? spare_parts_usual : 1;
  std::vector<std::unique_ptr<PartCompressor>> compressors(threads);
  for (std::unique_ptr<PartCompressor>& compressor : compressors) {
    compressor = make_part_compressor(options.format, options.level);
  }
  return std::make_unique<ParallelCompressor>(sink, part_bytes, spare_parts,
                                              std::move(compressors));
}

}  // namespace murder::archive
