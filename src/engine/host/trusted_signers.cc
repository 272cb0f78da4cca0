#include "engine/host/trusted_signers.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <ctime>

#include "engine/base/fd.h"
#include "engine/base/own_file.h"
#include "engine/trust/bounds.h"

namespace murder::host {
namespace {

Result<std::string> read_signers(int fd, const std::string& path) {
  std::string text;
  std::array<char, 16 * 1024> part;
  while (text.size() <= limits::allowed_signers_bytes_max) {
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

// Whoever may write the directory may put another file there.
Status check_directory_of(const std::string& path) {
  const size_t slash = path.rfind('/');
  const std::string directory = slash == std::string::npos ? "."
                                : slash == 0               ? "/"
                                                           : path.substr(0, slash);
  struct stat status {};
  if (::stat(directory.c_str(), &status) != 0) {
    return fail_errno(errno, "cannot look at " + directory);
  }
  const bool is_sticky = (status.st_mode & S_ISVTX) != 0 && status.st_uid == 0;
  return is_sticky ? Status() : check_own(status, directory);
}

}  // namespace

Result<std::optional<trust::AllowedSigners>> load_allowed_signers(const std::string& path) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
  if (!fd.is_open()) {
    if (errno == ENOENT) {
      return std::nullopt;
    }
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
  own = own ? check_directory_of(path) : own;
  if (!own) {
    return fail(own.error());
  }
  const Result<std::string> text = read_signers(fd.get(), path);
  if (!text) {
    return fail(text.error());
  }
  Result<trust::AllowedSigners> signers = trust::parse_allowed_signers(*text, seconds_of_local);
  if (!signers) {
    return fail(signers.error().code, fmt::format("{}: {}", path, signers.error().text));
  }
  return std::move(*signers);
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
