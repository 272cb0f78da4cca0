#include "engine/base/lock_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "engine/base/missing_inodes.h"
#include "engine/base/own_file.h"

namespace murder {
namespace {

// Whether the open file still has its name: who held the lock before removes it.
bool has_its_name(int fd, int directory_fd, const std::string& name) {
  struct stat open_status {};
  struct stat named {};
  return ::fstat(fd, &open_status) == 0 &&
         ::fstatat(directory_fd, name.c_str(), &named, AT_SYMLINK_NOFOLLOW) == 0 &&
         open_status.st_dev == named.st_dev && open_status.st_ino == named.st_ino;
}

Result<Fd> open_lock(int directory_fd, const std::string& name, const std::string& path) {
  struct stat place {};
  Fd fd(::openat(directory_fd, name.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC,
                 0600));
  struct stat status {};
  if (!fd.is_open() || ::fstat(fd.get(), &status) != 0 || ::fstat(directory_fd, &place) != 0) {
    return fail_making(errno, directory_fd, "cannot open the lock " + path);
  }
  // Where a group shares the directory, its members share the lock.
  const bool is_shared = (place.st_mode & S_IWGRP) != 0;
  const bool is_ours = status.st_uid == ::geteuid();
  if (!S_ISREG(status.st_mode) ||
      (!is_ours && status.st_uid != 0 && status.st_uid != place.st_uid && !is_shared)) {
    return fail(
        ErrorCode::conflict,
        fmt::format("the lock {} was made by another user, or is not a file: remove it", path));
  }
  if (is_ours) {
    const bool has_its_group =
        is_shared && ::fchown(fd.get(), static_cast<uid_t>(-1), place.st_gid) == 0;
    ::fchmod(fd.get(), has_its_group ? 0660 : 0600);
  }
  return fd;
}

}  // namespace

Result<LockFile> LockFile::take(int directory_fd, const std::string& directory,
                                const std::string& name, Duration wait_max) {
  const std::string path = fmt::format("{}/{}", directory, name);
  while (true) {
    Result<Fd> fd = open_lock(directory_fd, name, path);
    if (!fd) {
      return fail(fd.error());
    }
    if (Status locked = lock_within(fd->get(), path, wait_max); !locked) {
      return fail(locked.error());
    }
    if (has_its_name(fd->get(), directory_fd, name)) {
      return LockFile(directory_fd, name, std::move(*fd));
    }
  }
}

LockFile::~LockFile() {
  if (fd_.is_open()) {
    ::unlinkat(directory_fd_, name_.c_str(), 0);
  }
}

}  // namespace murder
