#include "cli/commands/tune/file_state.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "engine/archive/staging.h"
#include "engine/base/small_file.h"

namespace murder::cli::tune {
namespace {

// "DIR/NAME" -> DIR and NAME. Paths here are absolute.
std::string directory_of(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == 0 ? "/" : path.substr(0, slash);
}

std::string name_of(const std::string& path) {
  return path.substr(path.rfind('/') + 1);
}

Status fill(int fd, const std::string& path, const FileState& state) {
  struct stat status {};
  if (::fstat(fd, &status) != 0) {
    return fail_errno(errno, "cannot write " + path);
  }
  if ((status.st_uid != state.owner || status.st_gid != state.group) &&
      ::fchown(fd, state.owner, state.group) != 0) {
    return fail_errno(errno, "cannot give " + path + " to its owner");
  }
  if (::fchmod(fd, state.mode & 07777U) != 0) {
    return fail_errno(errno, "cannot set the mode of " + path);
  }
  if (Status written = write_whole(fd, state.content, path); !written) {
    return written;
  }
  if (state.keeps_time) {
    const timespec times[2] = {{.tv_sec = 0, .tv_nsec = UTIME_OMIT},
                               {.tv_sec = state.modified_s, .tv_nsec = state.modified_ns}};
    if (::futimens(fd, times) != 0) {
      return fail_errno(errno, "cannot set the time of " + path);
    }
  }
  return sync_file(fd, path);
}

Status remove_file(const std::string& path) {
  if (::unlink(path.c_str()) != 0 && errno != ENOENT && errno != ENOTDIR) {
    return fail_errno(errno, "cannot remove " + path);
  }
  const std::string directory = directory_of(path);
  return ::access(directory.c_str(), F_OK) == 0 ? sync_directory(directory) : Status();
}

}  // namespace

Result<FileState> read_state(const std::string& path) {
  FileState state;
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0) {
    if (errno == ENOENT || errno == ENOTDIR) {
      return state;
    }
    return fail_errno(errno, "cannot read " + path);
  }
  Result<std::string> content = read_small_file(path, file_bytes_max);
  if (!content) {
    return fail(content.error());
  }
  state.exists = true;
  state.content = std::move(*content);
  state.mode = status.st_mode & 07777U;
  state.owner = status.st_uid;
  state.group = status.st_gid;
  state.modified_s = status.st_mtim.tv_sec;
  state.modified_ns = status.st_mtim.tv_nsec;
  state.keeps_time = true;
  return state;
}

Status place_state(const std::string& path, const FileState& state) {
  const std::string directory = directory_of(path);
  archive::remove_leftovers(directory, name_of(path));  // of an earlier run that was killed
  if (!state.exists) {
    return remove_file(path);
  }
  const std::string fresh = directory + "/" + hidden_name_for(name_of(path));
  const int fd = ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (fd < 0) {
    return fail_errno(errno, "cannot write " + path);
  }
  Status written = fill(fd, path, state);
  if (::close(fd) != 0 && written) {
    written = fail_errno(errno, "cannot write " + path);
  }
  if (written && ::rename(fresh.c_str(), path.c_str()) != 0) {
    written = fail_errno(errno, "cannot write " + path);
  }
  if (!written) {
    ::unlink(fresh.c_str());
    return written;
  }
  return sync_directory(directory);
}

}  // namespace murder::cli::tune
