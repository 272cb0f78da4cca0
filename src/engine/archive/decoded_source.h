// What a compressed stream holds: zstd, gzip or neither, told apart by its first bytes.
//
// Everything the formats offer is checked up to the last byte of the source: the checksum and
// length of each gzip member, the checksum of each zstd frame, and that the last one is whole.
// Members and frames may follow one another, also empty ones, and zstd's skippable frames; behind
// them only zeros may come after gzip (as gzip has it), and nothing after zstd. For one thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/archive/byte_source.h"
#include "engine/base/result.h"

namespace murder::archive {

class DecodedSource final : public ByteSource {
 public:
  enum class Format : uint8_t { plain, gzip, zstd };

  // The source outlives it. `name` is how the stream is called in texts.
  [[nodiscard]] static Result<std::unique_ptr<DecodedSource>> open(ByteSource& source,
                                                                   std::string name);
  DecodedSource(const DecodedSource&) = delete;
  DecodedSource& operator=(const DecodedSource&) = delete;
  ~DecodedSource() override;

  // 0 only when the source was read to its end and all of it was right.
  [[nodiscard]] Result<size_t> read(std::span<uint8_t> into) override;
  [[nodiscard]] uint64_t size_bytes() const override { return 0; }

  [[nodiscard]] uint64_t source_bytes_read() const { return source_bytes_read_; }
  [[nodiscard]] Format format() const { return format_; }

 private:
  struct Decoders;

  static constexpr size_t buffer_bytes = 256 * 1024;

  DecodedSource(ByteSource& source, std::string name);
  // Adds to what is left in the buffer; false at the end of the source.
  [[nodiscard]] Result<bool> fill();
  [[nodiscard]] std::span<const uint8_t> left() const;
  [[nodiscard]] Status detect();
  [[nodiscard]] Result<size_t> read_plain(std::span<uint8_t> into);
  [[nodiscard]] Result<size_t> read_gzip(std::span<uint8_t> into);
  [[nodiscard]] Result<size_t> read_zstd(std::span<uint8_t> into);
  // Whether another gzip member follows.
  [[nodiscard]] Result<bool> begin_member();
  [[nodiscard]] tl::unexpected<Error> damaged(std::string_view what) const;
  [[nodiscard]] tl::unexpected<Error> out_of_memory() const;

  ByteSource& source_;
  std::string name_;
  std::unique_ptr<Decoders> decoders_;
  Format format_ = Format::plain;
  std::vector<uint8_t> buffer_;
  size_t begin_ = 0;  // of what is left in the buffer
  size_t end_ = 0;
  bool source_ended_ = false;
  bool is_within_ = false;     // a member or frame
  bool has_more_out_ = false;  // the decoder stopped for want of room
  uint64_t source_bytes_read_ = 0;
};

}  // namespace murder::archive
