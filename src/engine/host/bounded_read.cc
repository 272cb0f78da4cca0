#include "engine/host/bounded_read.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <string_view>

#include "engine/base/fd.h"

namespace murder::host {
namespace {

// Of those that systemd hands to a service (LoadCredential=), in a directory of that service alone,
// the user is let in by an access list, which shows as a right of the group.
mode_t tolerated_mode_of(const std::string& path) {
  const char* const directory = std::getenv("CREDENTIALS_DIRECTORY");
  const bool is_credential =
      directory != nullptr && *directory == '/' && path.starts_with(std::string(directory) + "/") &&
      path.find('/', std::string_view(directory).size() + 1) == std::string::npos;
  return is_credential ? S_IRGRP : 0;
}

Status check_private(const struct stat& status, const std::string& path) {
  if (!S_ISREG(status.st_mode)) {
    return fail(ErrorCode::invalid_input, path + " is not a regular file");
  }
  if (status.st_uid != ::geteuid() && status.st_uid != 0) {
    return fail(ErrorCode::permission,
                fmt::format("{} belongs to another user (user id {}), so it is not used: make it "
                            "yours or root's",
                            path, status.st_uid));
  }
  if ((status.st_mode & 077U & ~tolerated_mode_of(path)) != 0) {
    return fail(ErrorCode::permission,
                fmt::format("others may read {} (mode {:04o}), so it is not used: chmod 600 {}, "
                            "and make a new key if it was read",
                            path, status.st_mode & 07777U, path));
  }
  return {};
}

}  // namespace

Result<std::string> read_bounded(int fd, const std::string& path, size_t bytes_max) {
  std::string text;
  std::array<char, 16 * 1024> part;
  while (text.size() <= bytes_max) {
    const ssize_t size = ::read(fd, part.data(), part.size());
    if (size < 0 && errno == EINTR) {
      continue;
    }
    if (size < 0) {
      return fail_errno(errno, "cannot read " + path);
    }
    if (size == 0) {
      break;
    }
    text.append(part.data(), static_cast<size_t>(size));
  }
  return text;
}

Result<std::string> read_private_file(const std::string& path, std::string_view what,
                                      size_t bytes_max) {
  const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  struct stat status {};
  if (!file.is_open() || ::fstat(file.get(), &status) != 0) {
    return fail_errno(errno, fmt::format("cannot open {} {}", what, path));
  }
  if (const Status checked = check_private(status, path); !checked) {
    return fail(checked.error());
  }
  return read_bounded(file.get(), path, bytes_max);
}

}  // namespace murder::host
