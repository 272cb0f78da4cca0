// Lists what a directory contains, in the one order that makes archives comparable.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <string>
#include <vector>

#include "engine/archive/exclude_patterns.h"
#include "engine/archive/extended_attribute.h"
#include "engine/archive/file_time.h"
#include "engine/archive/observer.h"
#include "engine/base/result.h"

namespace murder::archive {

enum class EntryType : uint8_t { directory, file, symlink, hard_link };

struct TreeEntry {
  std::string path;  // below the root, raw bytes; "" is the root
  EntryType type = EntryType::file;
  uint32_t mode = 0;        // permission bits, set-id and sticky bits: 07777
  FileTime mtime;           // also what tells whether the file changed since
  uint64_t size_bytes = 0;  // of a file
  std::string link_target;  // of a symlink its text; of a hard link the path listed before
  std::vector<ExtendedAttribute> attributes;  // by name; of a hard link none
  // What tells whether it is still the file that was listed.
  dev_t device = 0;
  ino_t inode = 0;
  bool has_holes = false;  // fewer blocks than bytes: worth asking where
};

struct Tree {
  std::vector<TreeEntry> entries;  // a directory, its entries by name (bytes), depth first
  uint64_t file_bytes = 0;         // of all files, hard links once
};

struct WalkOptions {
  std::string root_name;                     // how the root is called in texts
  bool leave_out_git = false;                // entries whose name starts with ".git"
  const ExcludePatterns* exclude = nullptr;  // what else is left out
  bool keep_attributes = false;              // extended ones; else they are counted in a warning
  // Directories on other file systems stay empty, and other entries there are left out.
  bool one_file_system = false;
  const CancelFlag* cancel = nullptr;
};

// Sockets are left out with a warning; devices and fifos, and files that cannot be read, are an
// Error. Set-id files are named in a warning, since hosts leave these bits off unless told.
[[nodiscard]] Result<Tree> walk_tree(int root_fd, const WalkOptions& options, Observer& observer);

}  // namespace murder::archive
