#include "engine/base/small_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <utility>

#include "engine/base/fd.h"
#include "engine/base/missing_inodes.h"
#include "engine/base/random_word.h"

namespace murder {
namespace {

constexpr int attempts_max = 16;

tl::unexpected<Error> write_failed(int error_number, const std::string& path) {
  return fail_errno(error_number, "cannot write " + path);
}

Status synced(int result, const std::string& path) {
  if (result == 0 || errno == EINVAL || errno == EOPNOTSUPP || errno == ENOSYS) {
    return {};
  }
  return fail_errno(errno, fmt::format("cannot write {} to the disk", path));
}

int open_fresh(const SmallFile& file, std::string* ret_name) {
  for (int attempt = 0; attempt < attempts_max; ++attempt) {
    *ret_name = hidden_name_for(file.name);
    const int fd = ::openat(file.directory_fd, ret_name->c_str(),
                            O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, file.mode);
    if (fd >= 0 || errno != EEXIST) {
      return fd;
    }
  }
  errno = EEXIST;
  return -1;
}

Status fill(Fd& fd, const SmallFile& file, std::string_view content) {
  const std::string path = file.path();
  if (file.ignores_umask && ::fchmod(fd.get(), file.mode) != 0) {
    return write_failed(errno, path);
  }
  if (Status written = write_whole(fd.get(), content, path); !written) {
    return written;
  }
  if (file.sync_to_disk) {
    if (Status status = sync_file(fd.get(), path); !status) {
      return status;
    }
  }
  const int error_number = fd.close();
  return error_number == 0 ? Status() : Status(write_failed(error_number, path));
}

// The directory that a path lies in; closed by the caller. -1 and errno.
int open_directory_of(const std::string& path, SmallFile* ret_file) {
  const size_t slash = path.rfind('/');
  ret_file->directory = slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
  ret_file->name = slash == std::string::npos ? path : path.substr(slash + 1);
  ret_file->directory_fd = ::open(ret_file->directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  return ret_file->directory_fd;
}

}  // namespace

std::string hidden_name_for(std::string_view name) {
  // A number that is not random costs an attempt, no more.
  const uint64_t random = random_word().value_or(static_cast<uint64_t>(::getpid()));
  return fmt::format(".{}.murder-{:012x}", name, random & 0xFFFFFFFFFFFFU);
}

Status write_whole(int fd, std::string_view bytes, const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t done = ::write(fd, bytes.data(), bytes.size());
    if (done < 0 && errno == EINTR) {
      continue;
    }
    if (done < 0) {
      return write_failed(errno, path);
    }
    bytes.remove_prefix(static_cast<size_t>(done));
  }
  return {};
}

Status sync_file(int fd, const std::string& path) {
  return synced(::fsync(fd), path);
}

Status sync_directory(int fd, const std::string& path) {
  return synced(::fsync(fd), path);
}

Status sync_directory(const std::string& path) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.is_open()) {
    // A directory that may be written but not listed cannot be opened; syncfs needs that as well.
    return errno == EACCES ? Status() : Status(fail_errno(errno, "cannot open " + path));
  }
  return sync_directory(fd.get(), path);
}

Status sync_file_system(int fd, const std::string& path) {
  return synced(::syncfs(fd), path);
}

Status write_small_file(const SmallFile& file, std::string_view content) {
  std::string fresh;
  Fd fd(open_fresh(file, &fresh));
  if (!fd.is_open()) {
    return fail_making(errno, file.directory_fd, "cannot write " + file.path());
  }
  // Whatever removes leftovers passes over what is locked. It stays locked until it has its name.
  const Fd lock(::fcntl(fd.get(), F_DUPFD_CLOEXEC, 0));
  static_cast<void>(::flock(fd.get(), LOCK_EX | LOCK_NB));
  Status written = fill(fd, file, content);
  if (written &&
      ::renameat(file.directory_fd, fresh.c_str(), file.directory_fd, file.name.c_str()) != 0) {
    written = write_failed(errno, file.path());
  }
  if (!written) {
    ::unlinkat(file.directory_fd, fresh.c_str(), 0);
    return written;
  }
  return file.sync_to_disk ? sync_directory(file.directory_fd, file.directory) : Status();
}

Result<std::string> read_small_file(const SmallFile& file, size_t bytes_max) {
  const std::string path = file.path();
  const Fd fd(::openat(file.directory_fd, file.name.c_str(),
                       O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!fd.is_open() && errno == ELOOP) {
    return fail(ErrorCode::conflict, path + " is a symbolic link: remove it");
  }
  struct stat status {};
  if (!fd.is_open() || ::fstat(fd.get(), &status) != 0) {
    return fail_errno(errno, "cannot open " + path);
  }
  if (!S_ISREG(status.st_mode)) {
    return fail(ErrorCode::conflict, path + " is not a regular file: remove it");
  }
  std::string content;
  size_t size = 0;
  while (true) {
    content.resize(std::min(size + 64 * 1024, bytes_max + 1));
    const ssize_t got = ::read(fd.get(), content.data() + size, content.size() - size);
    if (got < 0 && errno == EINTR) {
      continue;
    }
    if (got < 0) {
      return fail_errno(errno, "cannot read " + path);
    }
    size += static_cast<size_t>(got);
    if (got == 0) {
      content.resize(size);
      return content;
    }
    if (size > bytes_max) {
      return fail(ErrorCode::limit,
                  fmt::format("{} is larger than the {} bytes it may have", path, bytes_max));
    }
  }
}

Status write_small_file(const std::string& path, std::string_view content, bool sync_to_disk) {
  return write_small_file(path, content, SmallFile{.sync_to_disk = sync_to_disk});
}

Status write_small_file(const std::string& path, std::string_view content, SmallFile properties) {
  const Fd directory(open_directory_of(path, &properties));
  return directory.is_open() ? write_small_file(properties, content)
                             : Status(write_failed(errno, path));
}

Result<std::string> read_small_file(const std::string& path, size_t bytes_max) {
  SmallFile file;
  const Fd directory(open_directory_of(path, &file));
  return directory.is_open() ? read_small_file(file, bytes_max)
                             : fail_errno(errno, "cannot open " + path);
}

}  // namespace murder
