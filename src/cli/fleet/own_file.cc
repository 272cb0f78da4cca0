#include "cli/fleet/own_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "engine/base/small_file.h"

namespace murder::fleet {
namespace {

std::string user_text(uid_t user) {
  const passwd* entry = getpwuid(user);
  return entry == nullptr ? fmt::format("user {}", user)
                          : fmt::format("{} (user {})", entry->pw_name, user);
}

// A group of the user's name with nobody else in it, as many systems make one for each user.
bool is_private_group(gid_t group, uid_t user) {
  const passwd* entry = getpwuid(user);
  if (entry == nullptr) {
    return false;
  }
  const std::string name = entry->pw_name;
  const ::group* members = getgrgid(group);
  if (members == nullptr || name != members->gr_name) {
    return false;
  }
  for (char** member = members->gr_mem; *member != nullptr; ++member) {
    if (name != *member) {
      return false;
    }
  }
  return true;
}

// What is wrong with it; empty: nothing.
std::string distrust(const struct stat& status) {
  if (status.st_uid != geteuid() && status.st_uid != 0) {
    return "belongs to " + user_text(status.st_uid);
  }
  if ((status.st_mode & S_IWOTH) != 0) {
    return "can be written by every user";
  }
  if ((status.st_mode & S_IWGRP) != 0 && !is_private_group(status.st_gid, status.st_uid)) {
    return "can be written by its group";
  }
  return {};
}

}  // namespace

Result<io::Fd> open_own_file(const std::string& path) {
  io::Fd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  struct stat status {};
  if (!fd.is_open() && errno == ELOOP) {
    return fail(
        ErrorCode::permission,
        fmt::format("{} is a symbolic link, which anybody may have put there: refused", path));
  }
  if (!fd.is_open() || fstat(fd.get(), &status) != 0) {
    return fail_errno(errno, "cannot open " + path);
  }
  if (!S_ISREG(status.st_mode)) {
    return fail(ErrorCode::invalid_input, path + " is not a file");
  }
  std::string trouble = distrust(status);
  if (trouble.empty() && status.st_uid != geteuid()) {
    trouble = "belongs to " + user_text(status.st_uid);
  }
  if (!trouble.empty()) {
    return fail(ErrorCode::permission,
                fmt::format("{} {}: refused, since it may not be what you made; remove it, or name "
                            "another --temp-path",
                            path, trouble));
  }
  return fd;
}

Status write_own_file(const std::string& path, std::string_view bytes) {
  return write_small_file(path, bytes);
}

Result<io::Fd> open_trusted_file(const std::string& name) {
  io::Fd fd(open(name.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat file {};
  struct stat directory {};
  if (!fd.is_open() || fstat(fd.get(), &file) != 0 || stat(".", &directory) != 0) {
    return fail_errno(errno, "cannot open " + name);
  }
  // In a directory like /tmp others may make files, but not touch one that is not theirs.
  if ((directory.st_mode & S_ISVTX) != 0) {
    directory.st_mode &= ~static_cast<mode_t>(S_IWOTH | S_IWGRP);
  }
  const std::string of_file = distrust(file);
  const std::string of_directory = distrust(directory);
  if (!of_file.empty() || !of_directory.empty()) {
    const std::string trouble = !of_file.empty()
                                    ? fmt::format("{} {}", name, of_file)
                                    : fmt::format("the directory of {} {}", name, of_directory);
    return fail(ErrorCode::permission,
                fmt::format("{}, and it decides which commands are run: refused; if you trust it, "
                            "name it with --config ./{}",
                            trouble, name));
  }
  return fd;
}

std::string path_of(const io::Fd& fd) {
  return fmt::format("/proc/self/fd/{}", fd.get());
}

}  // namespace murder::fleet
