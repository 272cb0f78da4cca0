// Small files that are written in one step, and the syncs that make what is on a disk outlast a
// power cut.
//
// What must outlast one is synced in this order: the content, the directory entries that lead to
// it, then it gets its name (rename), then the directory that holds the name. Whatever points to it
// (a record, the link to the current release, an outcome) is written after that. All calls block:
// never on a reactor's thread.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <string>
#include <string_view>

#include "engine/base/result.h"

namespace murder {

// A file by the open directory that it lies in. `directory` is the path of it, for texts.
struct SmallFile {
  int directory_fd = -1;
  std::string directory;
  std::string name;
  mode_t mode = 0600;  // less the umask
  bool ignores_umask = false;
  bool sync_to_disk = true;

  [[nodiscard]] std::string path() const { return directory + "/" + name; }
};

// Readers see the old content or all of the new one, also after a power cut (if it is synced). What
// has the name is replaced and never followed. An Error leaves the old content.
[[nodiscard]] Status write_small_file(const SmallFile& file, std::string_view content);

// All of a regular file of at most `bytes_max`. Errors: not_found, a link or anything else that is
// not a regular file (conflict), too large (limit).
[[nodiscard]] Result<std::string> read_small_file(const SmallFile& file, size_t bytes_max);

// The same by its path.
[[nodiscard]] Status write_small_file(const std::string& path, std::string_view content,
                                      bool sync_to_disk = true);
// The same with the mode and the other properties of `properties`, which names nothing.
[[nodiscard]] Status write_small_file(const std::string& path, std::string_view content,
                                      SmallFile properties);
[[nodiscard]] Result<std::string> read_small_file(const std::string& path, size_t bytes_max);

// Writes all bytes, however many calls that takes. `path` is for texts.
[[nodiscard]] Status write_whole(int fd, std::string_view bytes, const std::string& path);

// fsync: content and size. A file system that has nothing to sync is not an Error.
[[nodiscard]] Status sync_file(int fd, const std::string& path);
// fsync of a directory: the entries that were made, renamed and removed in it.
[[nodiscard]] Status sync_directory(int fd, const std::string& path);
[[nodiscard]] Status sync_directory(const std::string& path);
// syncfs: everything that was written to the file system that `fd` is on.
[[nodiscard]] Status sync_file_system(int fd, const std::string& path);

// ".NAME.murder-" and 12 hexadecimal digits: what is made under such a name and left by a killed
// process is known as a leftover (archive/staging.h).
[[nodiscard]] std::string hidden_name_for(std::string_view name);

}  // namespace murder
