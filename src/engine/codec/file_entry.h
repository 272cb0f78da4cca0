// One file of a torrent (BEP 3, 47).
#pragma once

#include <cstdint>
#include <string>

namespace murder::codec {

struct FileEntry {
  std::string path;            // of a single file its name; else below the torrent's name: "a/b/c"
  uint64_t offset = 0;         // of its first byte in the torrent
  uint64_t size_bytes = 0;     //
  bool is_padding = false;     // BEP 47: zeros that no one writes to disk
  bool is_symlink = false;     // BEP 47: has no content
  bool is_executable = false;  // BEP 47
  // Of a symlink: the path below the torrent's name that it leads to, as safe as `path`, and there
  // in the torrent; "" is the root.
  std::string symlink_target;

  bool operator==(const FileEntry&) const = default;
};

}  // namespace murder::codec
