// Lists what a directory contains, in the one order that makes archives comparable.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <string>
#include <vector>

#include "engine/archive/observer.h"
#include "engine/base/result.h"

namespace murder::archive {

enum class EntryType : uint8_t { directory, file, symlink, hard_link };

struct TreeEntry {
  std::string path;  // below the root, raw bytes; "" is the root
  EntryType type = EntryType::file;
  uint32_t mode = 0;        // permission bits, set-id and sticky bits: 07777
  int64_t mtime_s = 0;      // seconds since 1970; what lies below a second is not kept
  uint64_t size_bytes = 0;  // of a file
  std::string link_target;  // of a symlink its text; of a hard link the path listed before
  // What tells whether the file changed since.
  dev_t device = 0;
  ino_t inode = 0;
  struct timespec modified {};
  bool has_holes = false;  // fewer blocks than bytes: worth asking where
};

struct Tree {
  std::vector<TreeEntry> entries;  // a directory, its entries by name (bytes), depth first
  uint64_t file_bytes = 0;         // of all files, hard links once
};

struct WalkOptions {
  std::string root_name;       // how the root is called in texts
  bool leave_out_git = false;  // entries whose name starts with ".git"
  const CancelFlag* cancel = nullptr;
};

// Sockets are left out with a warning; devices and fifos, and files that cannot be read, are an
// Error. Set-id files are listed with a warning, since they will belong to whoever unpacks them.
[[nodiscard]] Result<Tree> walk_tree(int root_fd, const WalkOptions& options, Observer& observer);

}  // namespace murder::archive
