// Whether the entries of an archive fit into one tree, told without making it: what TreeWriter
// would refuse is an Error here. Pure.
//
// Holds at most limits::entry_tree_bytes_max; entries beyond are taken for right.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>

#include "engine/base/result.h"

namespace murder::archive {

class EntryTree {
 public:
  enum class Kind : uint8_t { directory, file, symlink };

  // Paths are safe_entry_path()s, "" the root. A later entry replaces an earlier one of its name.
  [[nodiscard]] Status add(Kind kind, const std::string& path, std::string_view link_target);
  [[nodiscard]] Status add_hard_link(const std::string& path, const std::string& target);

 private:
  struct Node {
    Kind kind = Kind::directory;
    std::string link_target;
    uint64_t child_count = 0;  // of a directory
  };

  // The path without symbolic links in front of its last part.
  [[nodiscard]] Result<std::string> without_links(const std::string& path) const;
  void make_parents(const std::string& path);
  // At a path without links, whose parents are there.
  [[nodiscard]] Status put(const std::string& path, Node node);
  void insert(const std::string& path, Node node);

  std::unordered_map<std::string, Node> nodes_;  // the root is none of them
  uint64_t bytes_ = 0;
};

}  // namespace murder::archive
