#include "engine/archive/file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <vector>

#include "engine/base/missing_inodes.h"
#include "engine/base/small_file.h"

namespace murder::archive {

namespace {

constexpr size_t copy_bytes = 1024 * 1024;
constexpr uint64_t writeback_bytes = 8 * 1024 * 1024;

tl::unexpected<Error> write_failed(int error_number, const std::string& path) {
  const ErrorCode code = error_code_of_errno(error_number);
  if (code == ErrorCode::no_space) {
    return fail_errno(error_number,
                      fmt::format("cannot write {} (make room, or use another disk)", path));
  }
  return fail_errno(error_number, "cannot write " + path);
}

// Bytes that the kernel copied; 0 where it cannot copy between these files.
Result<uint64_t> copy_in_kernel(const CopyOptions& options, uint64_t at, uint64_t bytes) {
  auto from = static_cast<off64_t>(at);
  auto to = static_cast<off64_t>(at);
  const ssize_t copied =
      ::copy_file_range(options.from_fd, &from, options.to_fd, &to, static_cast<size_t>(bytes), 0);
  if (copied >= 0) {
    return static_cast<uint64_t>(copied);
  }
  if (error_code_of_errno(errno) == ErrorCode::no_space || errno == EIO || errno == EFBIG) {
    return write_failed(errno, options.to_path);
  }
  return uint64_t{0};
}

Result<uint64_t> copy_by_buffer(const CopyOptions& options, uint64_t at, uint64_t bytes) {
  thread_local std::vector<uint8_t> buffer(copy_bytes);
  const std::span<uint8_t> part(buffer.data(), std::min<uint64_t>(buffer.size(), bytes));
  const Result<size_t> got = read_at(options.from_fd, part, at, options.from_path);
  if (!got) {
    return fail(got.error());
  }
  if (*got == 0) {
    return fail(ErrorCode::io, options.from_path + " became shorter while it was copied");
  }
  if (Status written = write_all_at(options.to_fd, part.first(*got), at, options.to_path);
      !written) {
    return fail(written.error());
  }
  return uint64_t{*got};
}

Status copy_range(const CopyOptions& options, uint64_t begin, uint64_t end, bool* in_kernel,
                  EarlyWriteback* writeback) {
  uint64_t at = begin;
  while (at < end) {
    if (options.cancel != nullptr && options.cancel->is_set()) {
      return fail(ErrorCode::interrupted, "stopped while copying " + options.from_path);
    }
    uint64_t copied = 0;
    if (*in_kernel) {
      const Result<uint64_t> done =
          copy_in_kernel(options, at, std::min(end - at, writeback_bytes));
      if (!done) {
        return fail(done.error());
      }
      copied = *done;
      *in_kernel = copied > 0;
    }
    if (!*in_kernel) {
      const Result<uint64_t> done = copy_by_buffer(options, at, end - at);
      if (!done) {
        return fail(done.error());
      }
      copied = *done;
    }
    at += copied;
    writeback->wrote(options.to_fd, at);
  }
  return {};
}

}  // namespace

Result<Fd> open_file(const std::string& path, int flags, mode_t mode) {
  Fd file(::open(path.c_str(), flags | O_CLOEXEC, mode));
  if (!file.is_open()) {
    return fail_errno(errno, "cannot open " + path);
  }
  return file;
}

Status close_file(Fd file, const std::string& path) {
  const int error_number = file.close();
  return error_number == 0 ? Status() : Status(write_failed(error_number, path));
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
  Result<Fd> file = open_file(path, O_RDONLY);
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

Result<ContentCopy> copy_content(const CopyOptions& options) {
  if (::ioctl(options.to_fd, FICLONE, options.from_fd) == 0) {
    return ContentCopy::shares_blocks;
  }
  const Result<struct stat> status = stat_of(options.from_fd, options.from_path);
  if (!status) {
    return fail(status.error());
  }
  const auto size_bytes = static_cast<uint64_t>(status->st_size);
  bool in_kernel = true;
  EarlyWriteback writeback;
  uint64_t at = 0;
  while (at < size_bytes) {
    const off_t data = ::lseek(options.from_fd, static_cast<off_t>(at), SEEK_DATA);
    if (data < 0 && errno == ENXIO) {
      break;  // a hole up to the end
    }
    const uint64_t begin = data < 0 ? at : static_cast<uint64_t>(data);
    const off_t hole = data < 0 ? -1 : ::lseek(options.from_fd, data, SEEK_HOLE);
    const uint64_t end = hole < 0 ? size_bytes : static_cast<uint64_t>(hole);
    if (Status copied = copy_range(options, begin, end, &in_kernel, &writeback); !copied) {
      return fail(copied.error());
    }
    at = end;
  }
  if (::ftruncate(options.to_fd, static_cast<off_t>(size_bytes)) != 0) {
    return write_failed(errno, options.to_path);
  }
  return ContentCopy::copied;
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

void EarlyWriteback::wrote(int fd, uint64_t end) {
  if (end - begun_ >= writeback_bytes) {
    // Only a beginning: the sync at the end says whether it went well.
    ::sync_file_range(fd, static_cast<off_t>(begun_), static_cast<off_t>(end - begun_),
                      SYNC_FILE_RANGE_WRITE);
    begun_ = end;
  }
}

Status make_directories(const std::string& path, bool sync_to_disk) {
  size_t at = 0;
  while (at < path.size()) {
    const size_t slash = path.find('/', at);
    const std::string part = path.substr(0, slash);
    at = slash == std::string::npos ? path.size() : slash + 1;
    if (part.empty()) {
      continue;
    }
    if (::mkdir(part.c_str(), 0777) == 0) {
      const Status synced = sync_to_disk ? sync_directory(split_path(part).parent) : Status();
      if (!synced) {
        return synced;
      }
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
    return fail_making(error_number, part, "cannot make the directory " + part);
  }
  return {};
}

}  // namespace murder::archive
