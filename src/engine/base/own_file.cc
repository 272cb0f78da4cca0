#include "engine/base/own_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <limits.h>
#include <sys/file.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <string_view>
#include <thread>

namespace murder {
namespace {

constexpr Duration lock_look_interval = std::chrono::milliseconds(50);
constexpr int links_max = 40;                       // as the kernel has it
constexpr size_t proc_bytes_max = 4 * 1024 * 1024;  // of /proc/locks

// Of a file of /proc, which has no size.
std::string read_proc(const std::string& path) {
  std::string content;
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    return content;
  }
  char part[4096];
  ssize_t got = 0;
  while (content.size() < proc_bytes_max && (got = ::read(fd, part, sizeof(part))) > 0) {
    content.append(part, static_cast<size_t>(got));
  }
  ::close(fd);
  return content;
}

std::string directory_of(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) {
    return ".";
  }
  return slash == 0 ? "/" : path.substr(0, slash);
}

std::optional<LockHolder> holder_of_pid(int pid) {
  struct stat status {};
  const std::string process = fmt::format("/proc/{}", pid);
  if (pid <= 0 || ::stat(process.c_str(), &status) != 0) {
    return std::nullopt;
  }
  std::string command = read_proc(process + "/comm");
  while (!command.empty() && command.back() == '\n') {
    command.pop_back();
  }
  for (char& character : command) {  // a process chooses its name
    character = character >= ' ' && character <= '~' ? character : '?';
  }
  return LockHolder{.pid = pid, .uid = status.st_uid, .command = std::move(command)};
}

}  // namespace

bool is_open_to_others(const struct stat& directory) {
  return (directory.st_mode & S_IWOTH) != 0;
}

Status check_own(const struct stat& status, const std::string& path) {
  if (status.st_uid != ::geteuid() && status.st_uid != 0) {
    return fail(ErrorCode::conflict,
                fmt::format("{} belongs to another user (user id {}), so it is not used: remove "
                            "it, or use another directory",
                            path, status.st_uid));
  }
  const bool may_group_write =
      (status.st_mode & S_IWGRP) != 0 && status.st_gid != 0 && status.st_gid != ::getegid();
  if ((status.st_mode & S_IWOTH) != 0 || may_group_write) {
    return fail(ErrorCode::conflict,
                fmt::format("{} may be written by others, so it is not used: remove it, take the "
                            "permission away (chmod go-w), or use another directory",
                            path));
  }
  return {};
}

Result<int> open_own_file(const std::string& path, int flags) {
  struct stat directory {};
  const std::string parent = directory_of(path);
  if (::stat(parent.c_str(), &directory) == 0 && !is_open_to_others(directory)) {
    const int fd = ::open(path.c_str(), flags | O_CLOEXEC);
    return fd >= 0 ? Result<int>(fd) : fail_errno(errno, "cannot open " + path);
  }
  const int fd = ::open(path.c_str(), flags | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0 && errno == ELOOP) {
    return fail(ErrorCode::conflict,
                fmt::format("{} is a symbolic link in a directory where others may put some, so it "
                            "is not used: remove it, or name the file itself",
                            path));
  }
  struct stat status {};
  if (fd < 0 || ::fstat(fd, &status) != 0) {
    return fail_errno(errno, "cannot open " + path);
  }
  Status own = S_ISREG(status.st_mode)
                   ? check_own(status, path)
                   : Status(fail(ErrorCode::invalid_input, path + " is not a regular file"));
  if (!own) {
    ::close(fd);
    return fail(own.error());
  }
  return fd;
}

Result<std::string> follow_own_links(const std::string& path) {
  std::string at = path;
  for (int links = 0; links < links_max; ++links) {
    struct stat status {};
    if (::lstat(at.c_str(), &status) != 0 || !S_ISLNK(status.st_mode)) {
      return at;
    }
    if (status.st_uid != ::geteuid() && status.st_uid != 0) {
      return fail(ErrorCode::conflict,
                  fmt::format("{} is a symbolic link of another user (user id {}), which is not "
                              "followed: remove it",
                              at, status.st_uid));
    }
    std::array<char, PATH_MAX> target{};
    const ssize_t size = ::readlink(at.c_str(), target.data(), target.size());
    if (size < 0) {
      return fail_errno(errno, "cannot read the link " + at);
    }
    const std::string text(target.data(), static_cast<size_t>(size));
    at = text.starts_with('/') ? text : fmt::format("{}/{}", directory_of(at), text);
  }
  return fail_errno(ELOOP, "cannot follow " + path);
}

std::string LockHolder::text() const {
  return fmt::format("{} (pid {}, user id {})", command, pid, uid);
}

std::optional<LockHolder> find_lock_holder(int fd) {
  struct stat status {};
  if (::fstat(fd, &status) != 0) {
    return std::nullopt;
  }
  // "7: FLOCK  ADVISORY  WRITE 1234 fe:00:131 0 EOF"; who waits has "->" behind the number.
  const std::string file =
      fmt::format("{:02x}:{:02x}:{} ", major(status.st_dev), minor(status.st_dev), status.st_ino);
  const std::string locks = read_proc("/proc/locks");
  std::string_view rest = locks;
  while (!rest.empty()) {
    const size_t end = std::min(rest.find('\n'), rest.size() - 1);
    const std::string line(rest.substr(0, end + 1));
    rest.remove_prefix(end + 1);
    int pid = 0;
    if (line.find(" FLOCK ") != std::string::npos && line.find("->") == std::string::npos &&
        line.find(' ' + file) != std::string::npos &&
        std::sscanf(line.c_str(), "%*s FLOCK %*s %*s %d", &pid) == 1) {
      return holder_of_pid(pid);
    }
  }
  return std::nullopt;
}

Status lock_within(int fd, const std::string& path, Duration wait_max) {
  const auto end = std::chrono::steady_clock::now() + wait_max;
  while (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK && errno != EINTR) {
      return fail_errno(errno, "cannot lock " + path);
    }
    if (std::chrono::steady_clock::now() >= end) {
      const std::optional<LockHolder> holder = find_lock_holder(fd);
      return fail(ErrorCode::timeout,
                  fmt::format("{} is locked by {} for longer than this waits: end that process, "
                              "and try again",
                              path, holder ? holder->text() : "another process"));
    }
    std::this_thread::sleep_for(lock_look_interval);
  }
  return {};
}

}  // namespace murder
