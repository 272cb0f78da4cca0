// The entries of a tar archive, plain or compressed with zstd or gzip, told apart by content. For
// one thread. What is read is not trusted: names are as the archive has them.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "engine/archive/byte_source.h"
#include "engine/base/result.h"

struct archive;

namespace murder::archive {

struct ArchiveEntry {
  enum class Type : uint8_t { directory, file, symlink, hard_link, other };

  std::string name;  // raw bytes
  Type type = Type::other;
  uint32_t mode = 0;  // 07777
  int64_t mtime_s = 0;
  uint64_t size_bytes = 0;  // of a file, holes included
  std::string link_target;  // of both kinds of links
};

// Bytes of the current file and where they belong; between blocks are holes.
struct ArchiveData {
  uint64_t offset = 0;
  std::span<const uint8_t> bytes;  // valid until the next call
};

class ArchiveReader {
 public:
  // The source outlives the reader. `name` is how the archive is called in texts.
  [[nodiscard]] static Result<std::unique_ptr<ArchiveReader>> open(ByteSource& source,
                                                                   std::string name);
  ArchiveReader(const ArchiveReader&) = delete;
  ArchiveReader& operator=(const ArchiveReader&) = delete;
  ~ArchiveReader();

  // nullopt at the end.
  [[nodiscard]] Result<std::optional<ArchiveEntry>> next_entry();
  // Of the current entry; nullopt at its end.
  [[nodiscard]] Result<std::optional<ArchiveData>> next_data();
  // Reads the source to its end, since an archive may end before it does. After next_entry() said
  // so.
  [[nodiscard]] Status drain();

  [[nodiscard]] uint64_t bytes_read() const { return bytes_read_; }

 private:
  ArchiveReader(ByteSource& source, std::string name);
  [[nodiscard]] tl::unexpected<Error> failed();
  static int64_t read_source(::archive* reader, void* self, const void** ret_buffer);

  static constexpr size_t buffer_bytes = 256 * 1024;

  ByteSource& source_;
  std::string name_;
  ::archive* reader_ = nullptr;
  std::vector<uint8_t> buffer_;
  Status source_status_;
  uint64_t bytes_read_ = 0;
  bool ends_in_zeros_ = false;  // the last bytes read, as a plain tar must end
};

}  // namespace murder::archive
