#include "engine/host/trusted_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "engine/base/fd.h"
#include "engine/base/own_file.h"
#include "engine/host/bounded_read.h"

namespace murder::host {
namespace {

// The path without links, of what is there.
Result<std::string> real_path_of(const std::string& path) {
  char* const found = ::realpath(path.c_str(), nullptr);
  if (found == nullptr) {
    return fail_errno(errno, "cannot open " + path);
  }
  std::string real = found;
  std::free(found);
  return real;
}

}  // namespace

Result<std::optional<std::string>> read_trusted_file(const std::string& path, size_t bytes_max) {
  const Result<std::string> real = real_path_of(path);
  if (!real) {
    struct stat link {};
    if (real.error().code != ErrorCode::not_found) {
      return fail(real.error());
    }
    if (::lstat(path.c_str(), &link) != 0) {
      return errno == ENOENT ? Result<std::optional<std::string>>(std::nullopt)
                             : fail_errno(errno, "cannot look at " + path);
    }
    // Somebody meant to have one.
    return fail(ErrorCode::conflict,
                fmt::format("cannot open {}: it is a link that leads to no file", path));
  }
  const Fd fd(::open(real->c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | O_NOFOLLOW));
  if (!fd.is_open()) {
    return fail_errno(errno, "cannot open " + path);
  }
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0) {
    return fail_errno(errno, "cannot look at " + path);
  }
  if (!S_ISREG(status.st_mode)) {
    return fail(ErrorCode::conflict, path + " is not a regular file");
  }
  Status own = check_own(status, path);
  own = own ? check_way_to(*real) : own;
  if (!own) {
    return fail(own.error());
  }
  Result<std::string> text = read_bounded(fd.get(), path, bytes_max);
  return text ? Result<std::optional<std::string>>(std::move(*text)) : fail(text.error());
}

Status check_way_to(const std::string& path) {
  for (size_t slash = path.rfind('/'); slash != std::string::npos;
       slash = slash == 0 ? std::string::npos : path.rfind('/', slash - 1)) {
    const std::string directory = slash == 0 ? "/" : path.substr(0, slash);
    struct stat status {};
    if (::stat(directory.c_str(), &status) != 0) {
      return fail_errno(errno, "cannot look at " + directory);
    }
    // Of a directory such as /tmp only the owner of a file may take that away.
    const bool is_sticky = (status.st_mode & S_ISVTX) != 0 && status.st_uid == 0;
    if (Status own = is_sticky ? Status() : check_own(status, directory); !own) {
      return own;
    }
  }
  return {};
}

}  // namespace murder::host
