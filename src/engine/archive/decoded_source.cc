#include "engine/archive/decoded_source.h"

#define ZLIB_CONST
#include <fmt/format.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#include <algorithm>
#include <cstring>

#include "engine/base/allocation.h"
#include "engine/base/ensure.h"

namespace murder::archive {

namespace {

constexpr int gzip_alone = 16 + MAX_WBITS;  // inflateInit2: header and trailer of gzip
constexpr uint8_t gzip_magic[] = {0x1F, 0x8B};
constexpr uint8_t zstd_magic[] = {0x28, 0xB5, 0x2F, 0xFD};
constexpr size_t magic_bytes_max = 4;

bool begins_with(std::span<const uint8_t> bytes, std::span<const uint8_t> magic) {
  return bytes.size() >= magic.size() && std::equal(magic.begin(), magic.end(), bytes.begin());
}

// RFC 8878, 3.1.2: 0x184D2A50 to 0x184D2A5F.
bool is_skippable_frame(std::span<const uint8_t> bytes) {
  return bytes.size() >= magic_bytes_max && (bytes[0] & 0xF0U) == 0x50 && bytes[1] == 0x2A &&
         bytes[2] == 0x4D && bytes[3] == 0x18;
}

}  // namespace

struct DecodedSource::Decoders {
  Decoders() = default;
  Decoders(const Decoders&) = delete;
  Decoders& operator=(const Decoders&) = delete;
  ~Decoders() {
    if (has_gzip) {
      ::inflateEnd(&gzip);
    }
    ZSTD_freeDCtx(zstd);
  }

  z_stream gzip{};
  bool has_gzip = false;
  ZSTD_DCtx* zstd = nullptr;
};

DecodedSource::DecodedSource(ByteSource& source, std::string name)
    : source_(source),
      name_(std::move(name)),
      decoders_(std::make_unique<Decoders>()),
      buffer_(buffer_bytes) {}

DecodedSource::~DecodedSource() = default;

Result<std::unique_ptr<DecodedSource>> DecodedSource::open(ByteSource& source, std::string name) {
  std::unique_ptr<DecodedSource> made(new DecodedSource(source, std::move(name)));
  if (Status detected = made->detect(); !detected) {
    return fail(detected.error());
  }
  return made;
}

Status DecodedSource::detect() {
  while (left().size() < magic_bytes_max) {
    const Result<bool> filled = fill();
    if (!filled) {
      return fail(filled.error());
    }
    if (!*filled) {
      break;
    }
  }
  if (begins_with(left(), gzip_magic)) {
    format_ = Format::gzip;
    decoders_->has_gzip = ::inflateInit2(&decoders_->gzip, gzip_alone) == Z_OK;
    require_memory(decoders_->has_gzip);
  } else if (begins_with(left(), zstd_magic) || is_skippable_frame(left())) {
    format_ = Format::zstd;
    decoders_->zstd = ZSTD_createDCtx();
    require_memory(decoders_->zstd != nullptr);
  }
  return {};
}

std::span<const uint8_t> DecodedSource::left() const {
  return std::span(buffer_).subspan(begin_, end_ - begin_);
}

Result<bool> DecodedSource::fill() {
  if (source_ended_) {
    return false;
  }
  if (begin_ > 0) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  ENSURE(end_ < buffer_.size());
  const Result<size_t> got = source_.read(std::span(buffer_).subspan(end_));
  if (!got) {
    return fail(got.error());
  }
  end_ += *got;
  source_bytes_read_ += *got;
  source_ended_ = *got == 0;
  return *got > 0;
}

Result<size_t> DecodedSource::read(std::span<uint8_t> into) {
  ENSURE(!into.empty());
  switch (format_) {
    case Format::gzip:
      return read_gzip(into);
    case Format::zstd:
      return read_zstd(into);
    case Format::plain:
      break;
  }
  return read_plain(into);
}

Result<size_t> DecodedSource::read_plain(std::span<uint8_t> into) {
  if (left().empty()) {
    if (const Result<bool> filled = fill(); !filled) {
      return fail(filled.error());
    }
  }
  const size_t count = std::min(into.size(), left().size());
  if (count > 0) {
    std::memcpy(into.data(), left().data(), count);
    begin_ += count;
  }
  return count;
}

Result<bool> DecodedSource::begin_member() {
  if (left().empty()) {
    const Result<bool> filled = fill();
    if (!filled || !*filled) {
      return filled;
    }
  }
  if (left().front() == gzip_magic[0]) {
    is_within_ = true;
    return ::inflateReset(&decoders_->gzip) == Z_OK;
  }
  // As on tapes: zeros up to the end are not damage.
  while (true) {
    const std::span<const uint8_t> bytes = left();
    if (std::any_of(bytes.begin(), bytes.end(), [](uint8_t byte) { return byte != 0; })) {
      return damaged("bytes that are not gzip follow its end");
    }
    begin_ = end_;
    const Result<bool> filled = fill();
    if (!filled || !*filled) {
      return filled;
    }
  }
}

Result<size_t> DecodedSource::read_gzip(std::span<uint8_t> into) {
  z_stream& stream = decoders_->gzip;
  stream.next_out = into.data();
  stream.avail_out = static_cast<uInt>(std::min<size_t>(into.size(), UINT32_MAX));
  const uInt room = stream.avail_out;
  while (stream.avail_out == room) {
    if (!is_within_) {
      const Result<bool> follows = begin_member();
      if (!follows) {
        return fail(follows.error());
      }
      if (!*follows) {
        return size_t{0};
      }
    }
    const bool had_more_out = std::exchange(has_more_out_, false);
    if (left().empty() && !had_more_out) {
      const Result<bool> filled = fill();
      if (!filled) {
        return fail(filled.error());
      }
      if (!*filled) {
        return damaged("its end is missing");
      }
    }
    stream.next_in = left().data();
    stream.avail_in = static_cast<uInt>(left().size());
    const int status = ::inflate(&stream, Z_NO_FLUSH);
    begin_ = end_ - stream.avail_in;
    if (status == Z_MEM_ERROR) {
      return out_of_memory();
    }
    if (status != Z_OK && status != Z_STREAM_END && status != Z_BUF_ERROR) {
      return damaged(stream.msg == nullptr ? "gzip cannot be decoded" : stream.msg);
    }
    is_within_ = status != Z_STREAM_END;
    has_more_out_ = is_within_ && stream.avail_out == 0;
  }
  return size_t{room - stream.avail_out};
}

Result<size_t> DecodedSource::read_zstd(std::span<uint8_t> into) {
  ZSTD_outBuffer output{.dst = into.data(), .size = into.size(), .pos = 0};
  while (output.pos == 0) {
    const bool had_more_out = std::exchange(has_more_out_, false);
    if (left().empty() && !had_more_out) {
      const Result<bool> filled = fill();
      if (!filled) {
        return fail(filled.error());
      }
      if (!*filled) {
        return is_within_ ? Result<size_t>(damaged("its end is missing")) : size_t{0};
      }
    }
    ZSTD_inBuffer input{.src = left().data(), .size = left().size(), .pos = 0};
    const size_t status = ZSTD_decompressStream(decoders_->zstd, &output, &input);
    begin_ += input.pos;
    if (ZSTD_getErrorCode(status) == ZSTD_error_memory_allocation) {
      return out_of_memory();
    }
    if (ZSTD_isError(status) != 0) {
      return damaged(ZSTD_getErrorName(status));
    }
    is_within_ = status != 0;
    has_more_out_ = is_within_ && output.pos == output.size;
  }
  return output.pos;
}

// Nothing is wrong with the archive.
tl::unexpected<Error> DecodedSource::out_of_memory() const {
  return fail(
      ErrorCode::io,
      fmt::format("cannot decode {}: not enough memory: allow this process more (ulimit -v, "
                  "memory.max of its control group)",
                  name_));
}

tl::unexpected<Error> DecodedSource::damaged(std::string_view what) const {
  return fail(ErrorCode::invalid_input, fmt::format("{} is damaged: {}", name_, what));
}

}  // namespace murder::archive
