// Landlock: the kernel lets a thread open, make and remove files below one directory only.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/base/result.h"

namespace murder::archive {

// The version of what this kernel can: 0 when it has none, or it is not among the security modules
// that it was booted with. 1 cannot allow a hard link to another directory, so it is not used.
[[nodiscard]] int landlock_version();
inline constexpr int landlock_version_min = 2;  // Linux 5.19

// What is forbidden where nothing allows it, as far as this version knows it.
[[nodiscard]] uint64_t landlock_rights(int version);

// For the calling thread, and for good: it opens, makes and removes files below this directory only
// (-1: none at all). What is open already stays usable. It has given up new privileges before
// (PR_SET_NO_NEW_PRIVS).
[[nodiscard]] Status restrict_to_directory(int directory_fd);

// The same for the one thread of a process that does more than unpack.
struct LandlockRules {
  std::vector<int> changed_fds;  // directories: below them files are read, made and removed
  std::vector<int> read_fds;     // files, or directories with what is below
};
[[nodiscard]] Status restrict_to(const LandlockRules& rules);

}  // namespace murder::archive
