// Blocking files: an owned descriptor, and reads and writes that are whole or an Error.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <span>
#include <string>

#include "engine/archive/observer.h"
#include "engine/base/fd.h"
#include "engine/base/result.h"

namespace murder::archive {

// `what` and `path` below name the file for the text of an Error.

// As open(2), with O_CLOEXEC.
[[nodiscard]] Result<Fd> open_file(const std::string& path, int flags, mode_t mode = 0666);
// Some file systems report only here what could not be written.
[[nodiscard]] Status close_file(Fd file, const std::string& path);
[[nodiscard]] Result<struct stat> stat_of(int fd, const std::string& path);

// As many bytes as there are, up to the size of `into`; fewer only at the end of the file.
[[nodiscard]] Result<size_t> read_at(int fd, std::span<uint8_t> into, uint64_t offset,
                                     const std::string& path);
[[nodiscard]] Status write_all(int fd, std::span<const uint8_t> bytes, const std::string& path);
[[nodiscard]] Status write_all_at(int fd, std::span<const uint8_t> bytes, uint64_t offset,
                                  const std::string& path);

// The whole file, or an Error when it is larger than bytes_max.
[[nodiscard]] Result<std::string> read_whole_file(const std::string& path, uint64_t bytes_max);

// Fills an empty file with the content of another: shares its blocks where the file system can
// (FICLONE), else copies data (within the kernel where it can) and keeps holes.
enum class ContentCopy : uint8_t { shares_blocks, copied };
struct CopyOptions {
  int from_fd = -1;
  std::string from_path;
  int to_fd = -1;
  std::string to_path;
  const CancelFlag* cancel = nullptr;
};
[[nodiscard]] Result<ContentCopy> copy_content(const CopyOptions& options);

// The part after the last '/', and the part before it ("." when there is none, "/" for "/x").
// Slashes at the end do not count.
struct PathParts {
  std::string parent;
  std::string name;
};
[[nodiscard]] PathParts split_path(const std::string& path);

// "PARENT/NAME", without doubling the slash.
[[nodiscard]] std::string join_path(const std::string& parent, const std::string& name);

// Has the disk begin to write what a large file got, so that the sync at the end waits for little.
class EarlyWriteback {
 public:
  // Everything before `end` is written to the file, in order.
  void wrote(int fd, uint64_t end);

 private:
  uint64_t begun_ = 0;
};

// As `mkdir -p`. `sync_to_disk`: what was made outlasts a power cut.
[[nodiscard]] Status make_directories(const std::string& path, bool sync_to_disk = false);

}  // namespace murder::archive
