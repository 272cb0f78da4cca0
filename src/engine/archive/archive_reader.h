// The entries of a tar archive, plain or compressed with zstd or gzip, told apart by content.
//
// Read are ustar, pax and GNU archives, sparse files of all of GNU's formats included. What is
// malformed is an Error, and never guessed at. As GNU tar has it, a block of zeros ends an archive
// whatever comes behind it, and so does the end of the stream between two entries. For one thread.
// What is read is not trusted: names are as the archive has them.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/archive/byte_source.h"
#include "engine/archive/pax_records.h"
#include "engine/archive/tar_block.h"
#include "engine/archive/tar_stream.h"
#include "engine/base/result.h"

namespace murder::archive {

struct ArchiveEntry {
  enum class Type : uint8_t { directory, file, symlink, hard_link, other };

  std::string name;  // raw bytes
  Type type = Type::other;
  uint32_t mode = 0;  // 07777
  FileTime mtime;
  uint64_t size_bytes = 0;  // of a file, holes included
  std::string link_target;  // of both kinds of links
  std::vector<ExtendedAttribute> attributes;
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

  // nullopt at the end. What is left of the entry before is passed over.
  [[nodiscard]] Result<std::optional<ArchiveEntry>> next_entry();
  // Of the current entry; nullopt at its end.
  [[nodiscard]] Result<std::optional<ArchiveData>> next_data();
  // Reads on behind the last entry, so that all checksums are looked at; false at the end of the
  // source. After next_entry() said that there are no more.
  [[nodiscard]] Result<bool> drain_some() { return stream_.drain_some(); }

  [[nodiscard]] uint64_t bytes_read() const { return stream_.source_bytes_read(); }

 private:
  explicit ArchiveReader(TarStream stream) : stream_(std::move(stream)) {}

  // What headers in front of an entry said of it.
  struct Prelude {
    PaxHeader pax;
    std::optional<std::string> long_name;  // of GNU tar
    std::optional<std::string> long_link;
    bool is_there = false;
  };

  // The next header; nullopt at the archive's end.
  [[nodiscard]] Result<std::optional<UstarBlock>> next_block();
  // Of one that is not an entry's own; true when it was one of these.
  [[nodiscard]] Result<bool> take_prelude(const UstarBlock& block, Prelude& prelude);
  [[nodiscard]] Result<ArchiveEntry> entry_of(const UstarBlock& block, Prelude& prelude);
  [[nodiscard]] Status set_type(const UstarBlock& block, ArchiveEntry& entry);
  [[nodiscard]] Status set_content(const UstarBlock& block, const Prelude& prelude,
                                   ArchiveEntry& entry);
  // The content of a header that describes another entry.
  [[nodiscard]] Result<std::string> header_content(const UstarBlock& block);

  TarStream stream_;
  bool has_begun_ = false;  // the first header was read
  PaxHeader global_;        // what a global pax header says of all entries behind it
  // Of the current entry's content: what is left in the archive, and where it belongs.
  uint64_t content_bytes_ = 0;
  uint64_t padding_bytes_ = 0;
  std::vector<Extent> extents_;
  size_t extent_ = 0;
  uint64_t extent_done_ = 0;
};

}  // namespace murder::archive
