#include "engine/host/file_identity.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>

namespace murder::host {

Json identity_of(int directory_fd, const std::string& path) {
  struct statx status {};
  if (statx(directory_fd, path.c_str(), AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW,
            STATX_TYPE | STATX_INO | STATX_SIZE | STATX_MTIME | STATX_BTIME, &status) != 0 ||
      (!S_ISDIR(status.stx_mode) && !S_ISREG(status.stx_mode))) {
    return nullptr;
  }
  Json identity = {{"inode", status.stx_ino},
                   {"born_s", status.stx_btime.tv_sec},
                   {"born_ns", status.stx_btime.tv_nsec}};
  // A file may be written to without becoming another one.
  if (S_ISREG(status.stx_mode)) {
    identity["size"] = status.stx_size;
    identity["changed_s"] = status.stx_mtime.tv_sec;
    identity["changed_ns"] = status.stx_mtime.tv_nsec;
  }
  return identity;
}

bool is_same_identity(const Json& one, const Json& other) {
  constexpr std::array members = {"inode", "born_s", "born_ns", "size", "changed_s", "changed_ns"};
  return one.is_object() && other.is_object() &&
         std::ranges::all_of(members, [&](const char* each) { return one[each] == other[each]; });
}

}  // namespace murder::host
