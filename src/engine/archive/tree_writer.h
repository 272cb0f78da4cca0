// Makes the entries of a tree below an open directory, whatever an archive says they are called.
//
// Nothing is ever followed or made outside the root: names are safe_entry_path()s, each part is
// walked with O_NOFOLLOW, and files are made with O_EXCL. Directories stay writable for us until
// finish().
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "engine/archive/directory_cursor.h"
#include "engine/archive/file.h"
#include "engine/base/result.h"

namespace murder::archive {

class TreeWriter {
 public:
  struct Attributes {
    mode_t mode = 0;  // exact, whatever the umask
    int64_t mtime_s = 0;
  };

  // The root is empty, owned by the caller, and ours alone until all is done. Texts of errors name
  // the entry only by the caller's doing.
  explicit TreeWriter(int root_fd) : root_fd_(root_fd), cursor_(root_fd), link_cursor_(root_fd) {}

  // `path` is a safe_entry_path(). What the path lies in is made when it is not there. A directory
  // may be named again; anything else but a directory replaces what was there, unless that is a
  // directory.
  [[nodiscard]] Status make_directory(const std::string& path, const Attributes& attributes);
  // To be filled, then finished.
  [[nodiscard]] Result<FileDescriptor> make_file(const std::string& path);
  [[nodiscard]] static Status finish_file(int fd, const Attributes& attributes);
  [[nodiscard]] Status make_symlink(const std::string& path, const std::string& target,
                                    int64_t mtime_s);
  // `target` is a safe_entry_path() too: a file or symlink made before.
  [[nodiscard]] Status make_hard_link(const std::string& path, const std::string& target);

  // Modes and times of directories, the deepest first. Once, at the end.
  [[nodiscard]] Status finish();

 private:
  [[nodiscard]] Status enter_parent(const std::string& path, DirectoryCursor::Place* ret_place);
  [[nodiscard]] Status make_parents(const std::string& path);
  // Removes what has the name, so that it can be made anew.
  [[nodiscard]] static Status clear(const DirectoryCursor::Place& place);

  int root_fd_;
  DirectoryCursor cursor_;
  DirectoryCursor link_cursor_;  // for the other end of hard links
  std::map<std::string, Attributes> directories_;
};

}  // namespace murder::archive
