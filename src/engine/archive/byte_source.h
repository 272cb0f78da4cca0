// Where the bytes of an archive come from, in order: a file, or the verified front of a download.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "engine/archive/file.h"
#include "engine/base/result.h"

namespace murder::archive {

class ByteSource {
 public:
  virtual ~ByteSource() = default;
  // Blocks until there is at least one byte; 0 only at the end.
  [[nodiscard]] virtual Result<size_t> read(std::span<uint8_t> into) = 0;
  // How many bytes there will be in all, for progress; 0 when that is not known.
  [[nodiscard]] virtual uint64_t size_bytes() const = 0;
};

class FileSource : public ByteSource {
 public:
  [[nodiscard]] static Result<FileSource> open(const std::string& path);

  [[nodiscard]] Result<size_t> read(std::span<uint8_t> into) override;
  [[nodiscard]] uint64_t size_bytes() const override { return size_bytes_; }

 private:
  FileSource(Fd file, std::string path, uint64_t size_bytes);

  Fd file_;
  std::string path_;
  uint64_t size_bytes_;
  uint64_t offset_ = 0;
};

}  // namespace murder::archive
