#include "engine/host/fleet_key_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "engine/base/fd.h"

namespace murder::host {
namespace {

// As ssh has it for private keys.
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
  if ((status.st_mode & 077U) != 0) {
    return fail(ErrorCode::permission,
                fmt::format("others may read {} (mode {:04o}), so it is not used: chmod 600 {}, "
                            "and make a new key if it was read",
                            path, status.st_mode & 07777U, path));
  }
  return {};
}

Result<std::string> read_at_most(int fd, const std::string& path, size_t bytes_max) {
  std::string text;
  std::array<char, 1024> part{};
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

}  // namespace

Result<trust::FleetKeys> read_fleet_keys(const std::string& path) {
  // Of a pipe in its place nothing is waited for.
  const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat status {};
  if (!file.is_open() || ::fstat(file.get(), &status) != 0) {
    return fail_errno(errno, "cannot open the fleet key " + path);
  }
  if (const Status checked = check_private(status, path); !checked) {
    return fail(checked.error());
  }
  const Result<std::string> text = read_at_most(file.get(), path, limits::fleet_key_file_bytes_max);
  return text ? trust::parse_fleet_keys(*text, path) : fail(text.error());
}

Result<std::optional<trust::FleetKeys>> fleet_keys_for(const std::string& path, bool is_open) {
  if (is_open) {
    return std::nullopt;
  }
  const std::string used = path.empty() ? std::string(fleet_key_path_default) : path;
  if (path.empty() && ::access(used.c_str(), F_OK) != 0 && (errno == ENOENT || errno == ENOTDIR)) {
    return std::nullopt;
  }
  Result<trust::FleetKeys> keys = read_fleet_keys(used);
  if (!keys) {
    return fail(keys.error().code,
                keys.error().text + (path.empty() ? "; --open takes part without a key" : ""));
  }
  return std::optional<trust::FleetKeys>(*keys);
}

}  // namespace murder::host
