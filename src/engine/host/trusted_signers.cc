#include "engine/host/trusted_signers.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <ctime>

#include "engine/base/fd.h"
#include "engine/base/own_file.h"
#include "engine/host/bounded_read.h"
#include "engine/trust/bounds.h"

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

Result<std::optional<trust::AllowedSigners>> load_allowed_signers(const std::string& path) {
  const Result<std::string> real = real_path_of(path);
  if (!real) {
    struct stat link {};
    if (real.error().code != ErrorCode::not_found) {
      return fail(real.error());
    }
    if (::lstat(path.c_str(), &link) != 0) {
      return errno == ENOENT ? Result<std::optional<trust::AllowedSigners>>(std::nullopt)
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
  const Result<std::string> text = read_bounded(fd.get(), path, limits::allowed_signers_bytes_max);
  if (!text) {
    return fail(text.error());
  }
  Result<trust::AllowedSigners> signers = trust::parse_allowed_signers(*text, seconds_of_local);
  if (!signers) {
    return fail(signers.error().code, fmt::format("{}: {}", path, signers.error().text));
  }
  return std::move(*signers);
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

int64_t seconds_of_local(const trust::CivilTime& time) {
  std::tm parts{};
  parts.tm_year = static_cast<int>(time.year - 1900);
  parts.tm_mon = static_cast<int>(time.month - 1);
  parts.tm_mday = static_cast<int>(time.day);
  parts.tm_hour = static_cast<int>(time.hour);
  parts.tm_min = static_cast<int>(time.minute);
  parts.tm_sec = static_cast<int>(time.second);
  // As OpenSSH does it, which leaves tm_isdst at 0: no summer time.
  return std::mktime(&parts);
}

}  // namespace murder::host
