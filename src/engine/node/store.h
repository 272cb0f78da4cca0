// The files of one release on disk. A torrent of one file is that file; one of several is a
// directory with the files below it, which are written without following any symbolic link.
// Blocking calls here are for start and end; payload goes through StoreTransfer.
//
// Each shard has its own Store on the same files, so no descriptor is shared.
#pragma once

#include <linux/openat2.h>

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "engine/archive/directory_cursor.h"
#include "engine/base/bit_set.h"
#include "engine/base/result.h"
#include "engine/base/types.h"
#include "engine/codec/metainfo.h"
#include "engine/io/reactor.h"
#include "engine/io/sockets.h"
#include "engine/node/store_lock.h"

namespace murder::node {

// A contiguous part of one file.
struct StoreSegment {
  uint32_t file_index = 0;
  uint64_t offset = 0;  // in the file
  uint32_t size_bytes = 0;
  bool is_padding = false;  // zeros that are in no file
};

class Store {
 public:
  // Direct: what is written passes by the page cache (O_DIRECT) where the file system can.
  enum class Access : uint8_t { read, write, write_direct };
  // What a direct write needs: memory, offset and size are multiples of it. File systems that can
  // do with less take this as well; one that needs more refuses, and is written through the cache.
  static constexpr uint32_t direct_alignment_bytes = 4096;

  // `metainfo` outlives the store. `path`: the file, or for several files the directory they are
  // below. With a `lock`, an Error (conflict) if that is of what was at `path` before.
  [[nodiscard]] static Result<Store> open(const codec::Metainfo& metainfo, const std::string& path,
                                          Access access, const StoreLock* lock = nullptr);

  // What is there already.
  struct Content {
    bool is_complete = false;  // all of the release
    bool is_ours = true;       // StoreLock::is_ours()
  };
  // Brings every file to its size and takes the space for it, so that a full disk is known now.
  // What is complete is not touched. A file that is not ours stays as it is, and so does one with
  // further names: `create` gives the archive of a file release as a hard link of its source, which
  // must not change.
  // Errors: no space (says how much is missing), not writable, conflict (not ours, further names).
  [[nodiscard]] Status preallocate(Content content);

  // The segment in which the byte at `offset` of the release lies, cut at `size_bytes`.
  [[nodiscard]] StoreSegment segment_at(uint64_t offset, uint32_t size_bytes) const;
  // A descriptor of the file, opened when first needed. Give it back with release().
  // That may wait for the disk: at the start only. In the steady state acquire_open(), and what it
  // lacks is opened through the ring, by StoreTransfer.
  [[nodiscard]] Result<int> acquire(uint32_t file_index);
  // -1: it is not open.
  [[nodiscard]] int acquire_open(uint32_t file_index);
  struct OpenRequest {
    int directory_fd = -1;
    std::string path;
    open_how how{};
  };
  [[nodiscard]] OpenRequest open_request(uint32_t file_index) const;
  void opened(uint32_t file_index, int fd);
  // Of an acquired file, whether direct writes are wanted and need a descriptor first.
  [[nodiscard]] bool wants_direct(uint32_t file_index) const;
  [[nodiscard]] OpenRequest direct_request(uint32_t file_index) const;
  void opened_direct(uint32_t file_index, int fd);
  [[nodiscard]] int fd(uint32_t file_index) const { return files_[file_index].fd.get(); }
  // Descriptors are closed through this reactor's ring from now on.
  void close_through(io::Reactor& reactor) { reactor_ = &reactor; }
  void release(uint32_t file_index);
  // Of an acquired file: a descriptor for direct writes, or -1 where they are not wanted or
  // refused.
  [[nodiscard]] int direct(uint32_t file_index);
  // A direct write was refused: this store writes through the page cache from now on.
  void direct_refused() { is_direct_ = false; }
  [[nodiscard]] bool writes_direct() const { return is_direct_; }

  [[nodiscard]] const codec::Metainfo& metainfo() const { return *metainfo_; }
  [[nodiscard]] std::string file_path(uint32_t file_index) const;

 private:
  struct OpenFile {
    io::Fd fd;
    io::Fd direct_fd;
    uint32_t users = 0;
  };

  Store(const codec::Metainfo& metainfo, std::string path, Access access);
  [[nodiscard]] Result<io::Fd> open_file(uint32_t file_index);
  void close(io::Fd& fd);
  [[nodiscard]] int open_in_tree(const std::string& path);
  [[nodiscard]] Status preallocate_file(uint32_t file_index, Content content);
  [[nodiscard]] Status check_space() const;

  const codec::Metainfo* metainfo_;
  std::string path_;
  Access access_;
  std::vector<OpenFile> files_;
  io::Fd root_;  // of several files that are written: their directory
  archive::DirectoryCursor cursor_{-1};
  io::Reactor* reactor_ = nullptr;
  bool is_direct_;
  bool keeps_open_;  // few enough files to leave their descriptors open
};

}  // namespace murder::node
