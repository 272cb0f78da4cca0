// A file that is read once: from the page cache as far as it is there, else past it (O_DIRECT), so
// that it does not push out what others need. Where that cannot be, through the page cache.
//
// For one thread at a time.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "engine/archive/file.h"
#include "engine/base/result.h"

namespace murder::archive {

class ColdFile {
 public:
  static constexpr uint64_t alignment = 4096;  // of buffers, and of offsets that are read past it

  ColdFile() = default;
  // `past_cache`: false to read it through the page cache in any case. `path` is for texts.
  ColdFile(Fd file, std::string path, bool past_cache);

  [[nodiscard]] bool is_open() const { return file_.is_open(); }
  [[nodiscard]] int fd() const { return file_.get(); }
  // Whether most of it would have to come from the disk and may be read past the page cache.
  [[nodiscard]] bool is_cold(uint64_t offset, uint64_t size_bytes) const;
  // As many bytes as there are, up to `wanted`. The buffer is aligned and at least `wanted` rounded
  // up to the alignment, all of which may be written to. `is_cold` as told for this place.
  [[nodiscard]] Result<size_t> read(std::span<uint8_t> buffer, size_t wanted, uint64_t offset,
                                    bool is_cold);

 private:
  Fd file_;
  Fd direct_;
  std::string path_;
};

[[nodiscard]] constexpr uint64_t round_up_to_alignment(uint64_t bytes) {
  return (bytes + ColdFile::alignment - 1) / ColdFile::alignment * ColdFile::alignment;
}

}  // namespace murder::archive
