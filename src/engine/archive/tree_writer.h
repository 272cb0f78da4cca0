// Makes the entries of a tree below an open directory, whatever an archive says they are called.
//
// Nothing is ever made outside the root: names are safe_entry_path()s, each part is walked with
// O_NOFOLLOW, and files are made with O_EXCL. A later entry replaces an earlier one of its name, a
// directory only when it is empty, as GNU tar has it. A name may lead through a symbolic link that
// an earlier entry made only when its target can be told to stay inside: it is relative, without
// "..", and there. Directories stay writable for us until finish().
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "engine/archive/directory_cursor.h"
#include "engine/archive/extended_attribute.h"
#include "engine/archive/file.h"
#include "engine/archive/file_time.h"
#include "engine/base/result.h"

namespace murder::archive {

// As for chown(2): what is not to be set is -1.
struct Owner {
  uid_t user = static_cast<uid_t>(-1);
  gid_t group = static_cast<gid_t>(-1);
};

class TreeWriter {
 public:
  struct Options {
    std::optional<Owner> owner;    // of all that is made; else whoever runs this
    bool keep_set_id = false;      // set-user-id and set-group-id bits of the archive
    bool keep_attributes = false;  // extended ones
  };

  struct Attributes {
    mode_t mode = 0;  // exact, whatever the umask
    FileTime mtime;
    std::vector<ExtendedAttribute> extended;
  };

  // What became of extended attributes.
  struct AttributeCounts {
    uint64_t left_out = 0;      // since nobody asked for them
    uint64_t failed = 0;        // since the target cannot hold them, or we may not set them
    std::string first_failure;  // which, of what, and why
  };

  // The root is empty, owned by the caller, and ours alone until all is done. When it has the
  // set-group-id bit, so that its group is that of all that is made in it, directories keep it.
  // Texts of errors name the entry only by the caller's doing.
  TreeWriter(int root_fd, const Options& options);

  // `path` is a safe_entry_path(). What the path lies in is made when it is not there.
  [[nodiscard]] Status make_directory(const std::string& path, const Attributes& attributes);
  // To be filled, then finished.
  [[nodiscard]] Result<Fd> make_file(const std::string& path);
  [[nodiscard]] Status finish_file(int fd, const std::string& path, const Attributes& attributes);
  // Of the attributes the mode does not count.
  [[nodiscard]] Status make_symlink(const std::string& path, const std::string& target,
                                    const Attributes& attributes);
  // `target` is a safe_entry_path() too: a file or symlink made before. To itself it is none.
  [[nodiscard]] Status make_hard_link(const std::string& path, const std::string& target);

  // Modes and times of directories, the deepest first. Once, at the end.
  [[nodiscard]] Status finish();

  [[nodiscard]] const AttributeCounts& attribute_counts() const { return attribute_counts_; }

 private:
  // Where an entry is made: `path` without links on the way.
  struct Spot {
    std::string path;
    DirectoryCursor::Place place;
  };

  [[nodiscard]] Status enter(DirectoryCursor& cursor, const std::string& path, bool makes_parents,
                             Spot* ret_spot);
  // The same path without symbolic links in front of its last part.
  [[nodiscard]] Result<std::string> without_links(DirectoryCursor& cursor, const std::string& path);
  [[nodiscard]] Status keep_for_the_end(const std::string& path, const Attributes& attributes);
  [[nodiscard]] Status make_parents(const std::string& path);
  // Removes what has the name, so that it can be made anew.
  [[nodiscard]] Status clear(const Spot& spot);
  // Of an open file, or (fd -1) of the symbolic link at this path.
  void set_attributes(int fd, const std::string& link, const std::string& path,
                      const Attributes& attributes);
  [[nodiscard]] Status finish_open(int fd, const std::string& path, const Attributes& attributes,
                                   bool is_directory);

  int root_fd_;
  Options options_;
  mode_t inherited_mode_ = 0;  // of directories
  DirectoryCursor cursor_;
  DirectoryCursor link_cursor_;  // for the other end of hard links
  std::map<std::string, Attributes> directories_;
  uint64_t directory_attributes_bytes_ = 0;
  AttributeCounts attribute_counts_;
};

}  // namespace murder::archive
