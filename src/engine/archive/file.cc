#include "engine/archive/file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <vector>

namespace murder::archive {

namespace {

constexpr size_t copy_bytes = 1024 * 1024;

tl::unexpected<Error> write_failed(int error_number, const std::string& path) {
  const ErrorCode code = error_code_of_errno(error_number);
  if (code == ErrorCode::no_space) {
    return fail_errno(error_number,
                      fmt::format("cannot write {} (make room, or use another disk)", path));
  }
  return fail_errno(error_number, "cannot write " + path);
}

Status copy_range(int from_fd, const std::string& from_path, int to_fd, const std::string& to_path,
                  uint64_t begin, uint64_t end, std::span<uint8_t> buffer) {
  uint64_t at = begin;
  while (at < end) {
    const size_t wanted = static_cast<size_t>(std::min<uint64_t>(buffer.size(), end - at));
    const Result<size_t> got = read_at(from_fd, buffer.first(wanted), at, from_path);
    if (!got) {
      return fail(got.error());
    }
    if (*got == 0) {
      return fail(ErrorCode::io, from_path + " became shorter while it was copied");
    }
    if (Status written = write_all_at(to_fd, buffer.first(*got), at, to_path); !written) {
      return written;
    }
    at += *got;
  }
  return {};
}

}  // namespace

void FileDescriptor::close_now() {
  if (fd_ >= 0) {
    ::close(fd_);
    fd_ = -1;
  }
}

Result<FileDescriptor> open_file(const std::string& path, int flags, mode_t mode) {
  FileDescriptor file(::open(path.c_str(), flags | O_CLOEXEC, mode));
  if (!file.is_open()) {
    return fail_errno(errno, "cannot open " + path);
  }
  return file;
}

Result<struct stat> stat_of(int fd, const std::string& path) {
  struct stat status {};
  if (::fstat(fd, &status) != 0) {
    return fail_errno(errno, "cannot look at " + path);
  }
  return status;
}

Result<size_t> read_at(int fd, std::span<uint8_t> into, uint64_t offset, const std::string& path) {
  size_t done = 0;
  while (done < into.size()) {
    const ssize_t got =
        ::pread(fd, into.data() + done, into.size() - done, static_cast<off_t>(offset + done));
    if (got == 0) {
      break;
    }
    if (got < 0) {
      if (errno == EINTR) {
        continue;
      }
      return fail_errno(errno, "cannot read " + path);
    }
    done += static_cast<size_t>(got);
  }
  return done;
}

Status write_all(int fd, std::span<const uint8_t> bytes, const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t done = ::write(fd, bytes.data(), bytes.size());
    if (done < 0) {
      if (errno == EINTR) {
        continue;
      }
      return write_failed(errno, path);
    }
    bytes = bytes.subspan(static_cast<size_t>(done));
  }
  return {};
}

Status write_all_at(int fd, std::span<const uint8_t> bytes, uint64_t offset,
                    const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t done = ::pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (done < 0) {
      if (errno == EINTR) {
        continue;
      }
      return write_failed(errno, path);
    }
    bytes = bytes.subspan(static_cast<size_t>(done));
    offset += static_cast<uint64_t>(done);
  }
  return {};
}

Result<std::string> read_whole_file(const std::string& path, uint64_t bytes_max) {
  Result<FileDescriptor> file = open_file(path, O_RDONLY);
  if (!file) {
    return fail(file.error());
  }
  // Read until the end rather than to the size it says: it may be a pipe or grow.
  std::string content;
  std::vector<char> buffer(64 * 1024);
  while (true) {
    const ssize_t got = ::read(file->get(), buffer.data(), buffer.size());
    if (got == 0) {
      return content;
    }
    if (got < 0) {
      if (errno == EINTR) {
        continue;
      }
      return fail_errno(errno, "cannot read " + path);
    }
    content.append(buffer.data(), static_cast<size_t>(got));
    if (content.size() > bytes_max) {
      return fail(ErrorCode::limit,
                  fmt::format("{} is larger than the {} bytes it may have", path, bytes_max));
    }
  }
}

Status copy_content(int from_fd, const std::string& from_path, int to_fd,
                    const std::string& to_path) {
  if (::ioctl(to_fd, FICLONE, from_fd) == 0) {
    return {};
  }
  const Result<struct stat> status = stat_of(from_fd, from_path);
  if (!status) {
    return fail(status.error());
  }
  const auto size_bytes = static_cast<uint64_t>(status->st_size);
  std::vector<uint8_t> buffer(std::min<uint64_t>(copy_bytes, size_bytes));
  uint64_t at = 0;
  while (at < size_bytes) {
    const off_t data = ::lseek(from_fd, static_cast<off_t>(at), SEEK_DATA);
    if (data < 0 && errno == ENXIO) {
      break;  // a hole up to the end
    }
    const uint64_t begin = data < 0 ? at : static_cast<uint64_t>(data);
    const off_t hole = data < 0 ? -1 : ::lseek(from_fd, data, SEEK_HOLE);
    const uint64_t end = hole < 0 ? size_bytes : static_cast<uint64_t>(hole);
    if (Status copied = copy_range(from_fd, from_path, to_fd, to_path, begin, end, buffer);
        !copied) {
      return copied;
    }
    at = end;
  }
  if (::ftruncate(to_fd, static_cast<off_t>(size_bytes)) != 0) {
    return write_failed(errno, to_path);
  }
  return {};
}

PathParts split_path(const std::string& path) {
  const size_t last = path.find_last_not_of('/');
  if (last == std::string::npos) {
    return {.parent = path.empty() ? "." : "/", .name = ""};
  }
  const std::string trimmed = path.substr(0, last + 1);
  const size_t slash = trimmed.rfind('/');
  if (slash == std::string::npos) {
    return {.parent = ".", .name = trimmed};
  }
  return {.parent = slash == 0 ? "/" : trimmed.substr(0, slash), .name = trimmed.substr(slash + 1)};
}

std::string join_path(const std::string& parent, const std::string& name) {
  if (parent.empty() || name.empty()) {
    return parent + name;
  }
  return parent.back() == '/' ? parent + name : parent + "/" + name;
}

Status make_directories(const std::string& path) {
  size_t at = 0;
  while (at < path.size()) {
    const size_t slash = path.find('/', at);
    const std::string part = path.substr(0, slash);
    at = slash == std::string::npos ? path.size() : slash + 1;
    if (part.empty() || ::mkdir(part.c_str(), 0777) == 0) {
      continue;
    }
    const int error_number = errno;
    struct stat status {};
    if (::stat(part.c_str(), &status) == 0) {
      if (S_ISDIR(status.st_mode)) {
        continue;
      }
      return fail(ErrorCode::exists, part + " is there and is not a directory");
    }
    return fail_errno(error_number, "cannot make the directory " + part);
  }
  return {};
}

}  // namespace murder::archive
