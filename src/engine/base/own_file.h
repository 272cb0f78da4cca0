// Files and locks in places where other users of the host may have put theirs.
//
// A directory such as /tmp is everybody's: what lies there under a name that can be guessed was
// perhaps put there to be used by us, as root. So it is used only when it is ours. And a lock that
// others may take is one that they may keep: it is waited for with an end, and its holder is named.
#pragma once

#include <sys/stat.h>

#include <optional>
#include <string>

#include "engine/base/instant.h"
#include "engine/base/result.h"

namespace murder {

// Whether anybody may put files into this directory, as into /tmp.
[[nodiscard]] bool is_open_to_others(const struct stat& directory);

// Whether the file (or directory) with this status belongs to us or root, and nobody else may write
// it. An Error (conflict) says what is wrong with `path`.
[[nodiscard]] Status check_own(const struct stat& status, const std::string& path);

// Opens a file that is to be read: if others may put files into the directory that it lies in, it
// must be ours, regular, and not a link, as of the open file. Elsewhere as open(2) does.
[[nodiscard]] Result<int> open_own_file(const std::string& path, int flags);

// Where a path leads to, at the end of all symbolic links. An Error (conflict) where one of them
// belongs to neither us nor root: whoever made it chose the file that would be written.
[[nodiscard]] Result<std::string> follow_own_links(const std::string& path);

// The process that has a lock (flock) on the open file, as far as the kernel reports it.
struct LockHolder {
  int pid = 0;
  unsigned uid = 0;
  std::string command;

  [[nodiscard]] std::string text() const;  // "murder (pid 1234, user id 1000)"
};
[[nodiscard]] std::optional<LockHolder> find_lock_holder(int fd);

// An exclusive lock. Error (timeout): it was held that long; says by whom.
[[nodiscard]] Status lock_within(int fd, const std::string& path, Duration wait_max);

}  // namespace murder
