#include "engine/host/unused_archive.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

namespace murder::host {

bool begins_empty(const std::string& path) {
  struct stat info {};
  if (lstat(path.c_str(), &info) != 0) {
    return errno == ENOENT;
  }
  return S_ISREG(info.st_mode) && info.st_size == 0;
}

void remove_unused_archive(const std::string& path) {
  struct stat info {};
  if (lstat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode) && info.st_nlink == 1 &&
      info.st_uid == geteuid()) {
    unlink(path.c_str());
  }
}

}  // namespace murder::host
