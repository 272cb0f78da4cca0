#include "engine/archive/part_compressor.h"

#include <fmt/format.h>
#include <zlib.h>
#include <zstd.h>

#include "engine/base/allocation.h"
#include "engine/base/ensure.h"

namespace murder::archive {

namespace {

constexpr int zstd_level_default = 3;
constexpr int gzip_level_default = 6;
constexpr size_t mib = 1024 * 1024;

class ZstdFrame final : public PartCompressor {
 public:
  explicit ZstdFrame(int level) : context_(ZSTD_createCCtx()) {
    require_memory(context_ != nullptr);
    set(ZSTD_c_compressionLevel, level);
    set(ZSTD_c_checksumFlag, 1);
  }

  Status compress(std::span<const uint8_t> part, std::vector<uint8_t>& output) override {
    output.resize(ZSTD_compressBound(part.size()));
    const size_t made =
        ZSTD_compress2(context_.get(), output.data(), output.size(), part.data(), part.size());
    if (ZSTD_isError(made) != 0) {
      return fail(ErrorCode::io, fmt::format("zstd cannot compress: {}", ZSTD_getErrorName(made)));
    }
    output.resize(made);
    return {};
  }

 private:
  void set(ZSTD_cParameter parameter, int value) {
    ENSURE(ZSTD_isError(ZSTD_CCtx_setParameter(context_.get(), parameter, value)) == 0);
  }

  struct Free {
    void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
  };
  std::unique_ptr<ZSTD_CCtx, Free> context_;
};

class GzipMember final : public PartCompressor {
 public:
  explicit GzipMember(int level) {
    // 16 on top of the window's 15 bits: a gzip header, whose time zlib leaves at 0.
    require_memory(deflateInit2(&stream_, level, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) ==
                   Z_OK);
  }
  GzipMember(const GzipMember&) = delete;
  GzipMember& operator=(const GzipMember&) = delete;
  ~GzipMember() override { deflateEnd(&stream_); }

  Status compress(std::span<const uint8_t> part, std::vector<uint8_t>& output) override {
    ENSURE(deflateReset(&stream_) == Z_OK);
    output.resize(deflateBound(&stream_, part.size()));
    stream_.next_in = const_cast<Bytef*>(part.data());
    stream_.avail_in = static_cast<uInt>(part.size());
    stream_.next_out = output.data();
    stream_.avail_out = static_cast<uInt>(output.size());
    ENSURE(deflate(&stream_, Z_FINISH) == Z_STREAM_END);
    output.resize(output.size() - stream_.avail_out);
    return {};
  }

 private:
  z_stream stream_{};
};

}  // namespace

size_t part_bytes_of(ArchiveFormat format) {
  // What gzip refers to lies within 32 KiB, what zstd does at its usual levels within 2 MiB.
  return format == ArchiveFormat::tar_gzip ? mib : 8 * mib;
}

std::unique_ptr<PartCompressor> make_part_compressor(ArchiveFormat format,
                                                     std::optional<int> level) {
  switch (format) {
    case ArchiveFormat::tar_zstd:
      return std::make_unique<ZstdFrame>(level.value_or(zstd_level_default));
    case ArchiveFormat::tar_gzip:
      return std::make_unique<GzipMember>(level.value_or(gzip_level_default));
    case ArchiveFormat::tar:
      break;
  }
  ENSURE(false);
}

}  // namespace murder::archive
