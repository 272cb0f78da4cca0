#include "engine/base/missing_inodes.h"

#include <fmt/format.h>
#include <sys/statvfs.h>

#include <cerrno>
#include <string_view>

namespace murder {
namespace {

constexpr std::string_view no_inodes = "no inodes left";

bool has_none(const struct statvfs& status) {
  return status.f_files > 0 && status.f_favail == 0;  // some file systems count none
}

tl::unexpected<Error> fail_without_inodes(const std::string& what, const std::string& directory) {
  std::string text = what + ": ";
  text += no_inodes;
  text += directory.empty() ? " on this file system" : " on the file system of " + directory;
  return fail(ErrorCode::no_space, text + " (`df -i` shows it): remove files there");
}

}  // namespace

bool lacks_inodes(int fd) {
  struct statvfs status {};
  return fstatvfs(fd, &status) == 0 && has_none(status);
}

bool lacks_inodes(std::string path) {
  struct statvfs status {};
  while (statvfs(path.empty() ? "." : path.c_str(), &status) != 0) {
    const size_t slash = path.rfind('/');
    if ((errno != ENOENT && errno != ENOTDIR) || path.empty() || path == "/") {
      return false;
    }
    path.resize(slash == std::string::npos ? 0 : slash == 0 ? 1 : slash);
  }
  return has_none(status);
}

bool names_missing_inodes(const Error& error) {
  return error.text.find(no_inodes) != std::string::npos;
}

tl::unexpected<Error> fail_making(int error_number, int directory_fd, const std::string& what) {
  return error_number == ENOSPC && lacks_inodes(directory_fd) ? fail_without_inodes(what, "")
                                                              : fail_errno(error_number, what);
}

tl::unexpected<Error> fail_making(int error_number, const std::string& directory,
                                  const std::string& what) {
  return error_number == ENOSPC && lacks_inodes(directory) ? fail_without_inodes(what, directory)
                                                           : fail_errno(error_number, what);
}

Error name_missing_inodes(Error error, const std::vector<std::string>& directories) {
  if (error.code != ErrorCode::no_space || names_missing_inodes(error)) {
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

}  // namespace murder
