// The bytes of a tar archive, looked at before they are taken. For one thread.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/archive/decoded_source.h"
#include "engine/base/result.h"

namespace murder::archive {

class TarStream {
 public:
  TarStream(std::unique_ptr<DecodedSource> source, std::string name);

  // The next bytes, `count` of them (at most buffer_bytes); fewer only at the end of the stream.
  // Valid until the next call.
  [[nodiscard]] Result<std::span<const uint8_t>> look(size_t count);
  // As many as lie ready, at least one and at most `count`, already taken. An Error at the end.
  [[nodiscard]] Result<std::span<const uint8_t>> take_some(uint64_t count);
  void take(size_t count) { begin_ += count; }
  [[nodiscard]] Status pass_over(uint64_t count);
  // Reads on and drops what it reads, so that all checksums are looked at; false at the end of the
  // source.
  [[nodiscard]] Result<bool> drain_some();

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] uint64_t source_bytes_read() const { return source_->source_bytes_read(); }
  // "NAME is damaged: WHAT"
  [[nodiscard]] tl::unexpected<Error> damaged(std::string_view what) const;
  [[nodiscard]] tl::unexpected<Error> cut_off() const { return damaged("its end is missing"); }

 private:
  static constexpr size_t buffer_bytes = 256 * 1024;

  std::unique_ptr<DecodedSource> source_;
  std::string name_;
  std::vector<uint8_t> buffer_;
  size_t begin_ = 0;  // of what is left in the buffer
  size_t end_ = 0;
  bool has_ended_ = false;
};

}  // namespace murder::archive
