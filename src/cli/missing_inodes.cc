#include "cli/missing_inodes.h"

#include <fmt/format.h>
#include <sys/statvfs.h>

#include <cerrno>

namespace murder::cli {
namespace {

bool lacks_inodes(std::string path) {
  struct statvfs status {};
  while (statvfs(path.c_str(), &status) != 0) {
    const size_t slash = path.rfind('/');
    if ((errno != ENOENT && errno != ENOTDIR) || slash == std::string::npos || path == "/") {
      return false;
    }
    path.resize(slash == 0 ? 1 : slash);
  }
  return status.f_files > 0 && status.f_favail == 0;  // some file systems count none
}

}  // namespace

Error name_missing_inodes(Error error, const std::vector<std::string>& directories) {
  if (error.code != ErrorCode::no_space) {
    return error;
  }
  for (const std::string& directory : directories) {
    if (!directory.empty() && lacks_inodes(directory)) {
      error.text += fmt::format(" (no inodes are left in {}: `df -i` shows it)", directory);
      return error;
    }
  }
  return error;
}

}  // namespace murder::cli
