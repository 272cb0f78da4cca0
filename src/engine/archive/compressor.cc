#include "engine/archive/compressor.h"

#include <fmt/format.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <thread>
#include <vector>

#include "engine/base/ensure.h"

namespace murder::archive {

namespace {

constexpr int zstd_level_default = 3;
constexpr int zstd_level_max = 19;  // those above need much memory on every host that unpacks
constexpr int gzip_level_default = 6;
constexpr int gzip_level_max = 9;
constexpr uint32_t threads_max = 64;  // each has some 30 MiB of input and output
constexpr size_t output_bytes = 256 * 1024;

class NoCompressor : public Compressor {
 public:
  explicit NoCompressor(ByteSink& sink) : sink_(sink) {}
  Status write(std::span<const uint8_t> bytes) override { return sink_.write(bytes); }
  Status finish() override { return {}; }

 private:
  ByteSink& sink_;
};

class ZstdCompressor : public Compressor {
 public:
  ZstdCompressor(ByteSink& sink, int level, uint32_t threads)
      : sink_(sink), context_(ZSTD_createCCtx()), output_(output_bytes) {
    ENSURE(context_ != nullptr);
    set(ZSTD_c_compressionLevel, level);
    set(ZSTD_c_checksumFlag, 1);
    // The output of one worker or more is the same for any number, but not that of none: what a
    // libzstd that was built without threads makes differs.
    ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_nbWorkers, static_cast<int>(threads));
  }

  Status write(std::span<const uint8_t> bytes) override {
    ZSTD_inBuffer input{bytes.data(), bytes.size(), 0};
    while (input.pos < input.size) {
      if (Result<size_t> left = step(input, ZSTD_e_continue); !left) {
        return fail(left.error());
      }
    }
    return {};
  }

  Status finish() override {
    ZSTD_inBuffer input{nullptr, 0, 0};
    while (true) {
      const Result<size_t> left = step(input, ZSTD_e_end);
      if (!left) {
        return fail(left.error());
      }
      if (*left == 0) {
        return {};
      }
    }
  }

 private:
  void set(ZSTD_cParameter parameter, int value) {
    ENSURE(ZSTD_isError(ZSTD_CCtx_setParameter(context_.get(), parameter, value)) == 0);
  }

  Result<size_t> step(ZSTD_inBuffer& input, ZSTD_EndDirective directive) {
    ZSTD_outBuffer output{output_.data(), output_.size(), 0};
    const size_t left = ZSTD_compressStream2(context_.get(), &output, &input, directive);
    if (ZSTD_isError(left) != 0) {
      return fail(ErrorCode::io, fmt::format("zstd cannot compress: {}", ZSTD_getErrorName(left)));
    }
    if (Status written = sink_.write(std::span(output_).first(output.pos)); !written) {
      return fail(written.error());
    }
    return left;
  }

  struct Free {
    void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
  };
  ByteSink& sink_;
  std::unique_ptr<ZSTD_CCtx, Free> context_;
  std::vector<uint8_t> output_;
};

class GzipCompressor : public Compressor {
 public:
  GzipCompressor(ByteSink& sink, int level) : sink_(sink), output_(output_bytes) {
    // 16 on top of the window's 15 bits: a gzip header, whose time zlib leaves at 0.
    ENSURE(deflateInit2(&stream_, level, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK);
  }
  GzipCompressor(const GzipCompressor&) = delete;
  GzipCompressor& operator=(const GzipCompressor&) = delete;
  ~GzipCompressor() override { deflateEnd(&stream_); }

  Status write(std::span<const uint8_t> bytes) override {
    while (!bytes.empty()) {
      const size_t part = std::min<size_t>(bytes.size(), 1U << 30U);  // its lengths are 32-bit
      stream_.next_in = const_cast<Bytef*>(bytes.data());
      stream_.avail_in = static_cast<uInt>(part);
      while (stream_.avail_in > 0) {
        if (Result<int> done = step(Z_NO_FLUSH); !done) {
          return fail(done.error());
        }
      }
      bytes = bytes.subspan(part);
    }
    return {};
  }

  Status finish() override {
    stream_.avail_in = 0;
    while (true) {
      const Result<int> done = step(Z_FINISH);
      if (!done) {
        return fail(done.error());
      }
      if (*done == Z_STREAM_END) {
        return {};
      }
    }
  }

 private:
  Result<int> step(int flush) {
    stream_.next_out = output_.data();
    stream_.avail_out = static_cast<uInt>(output_.size());
    const int done = deflate(&stream_, flush);
    ENSURE(done != Z_STREAM_ERROR);
    const size_t made = output_.size() - stream_.avail_out;
    if (Status written = sink_.write(std::span(output_).first(made)); !written) {
      return fail(written.error());
    }
    return done;
  }

  ByteSink& sink_;
  z_stream stream_{};
  std::vector<uint8_t> output_;
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
  std::unique_ptr<Compressor> compressor;
  switch (options.format) {
    case ArchiveFormat::tar_zstd:
      compressor = std::make_unique<ZstdCompressor>(
          sink, options.level.value_or(zstd_level_default), threads);
      break;
    case ArchiveFormat::tar_gzip:
      compressor =
          std::make_unique<GzipCompressor>(sink, options.level.value_or(gzip_level_default));
      break;
    case ArchiveFormat::tar:
      compressor = std::make_unique<NoCompressor>(sink);
      break;
  }
  return compressor;
}

}  // namespace murder::archive
