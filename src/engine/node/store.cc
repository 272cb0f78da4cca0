#include "engine/node/store.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "engine/base/ensure.h"
#include "engine/base/units.h"

namespace murder::node {
namespace {

constexpr size_t files_kept_open_max = 256;
constexpr mode_t directory_mode = 0755;
constexpr mode_t file_mode = 0644;
// An extended attribute of what was made here, so that it may be written again.
constexpr const char* own_mark = "user.murder";

Status make_parents(const std::string& path) {
  for (size_t slash = path.find('/', 1); slash != std::string::npos;
       slash = path.find('/', slash + 1)) {
    const std::string parent = path.substr(0, slash);
    if (mkdir(parent.c_str(), directory_mode) != 0 && errno != EEXIST) {
      return fail_errno(errno, "cannot make the directory " + parent);
    }
  }
  return {};
}

// Whoever else may write to the archive could change what is unpacked after it was verified.
Status check_owner(const struct stat& info, const std::string& path) {
  const bool is_ours = info.st_uid == geteuid() || info.st_uid == 0;
  const bool is_open_to_others =
      (info.st_mode & S_IWOTH) != 0 || ((info.st_mode & S_IWGRP) != 0 && info.st_gid != getegid());
  if (is_ours && !is_open_to_others) {
    return {};
  }
  return fail(
      ErrorCode::conflict,
      fmt::format("{} {}, so others could change it: remove it, or choose another directory "
                  "with --temp-path",
                  path, is_ours ? "may be written by others" : "belongs to another user"));
}

Error no_space(const std::string& path, uint64_t needed_bytes) {
  struct statvfs info {};
  uint64_t free_bytes = 0;
  if (statvfs(path.c_str(), &info) == 0) {
    free_bytes = uint64_t{info.f_bavail} * info.f_frsize;
  }
  return {.code = ErrorCode::no_space,
          .text = fmt::format(
              "the disk is too full for {}: it needs {} more, {} are free; make room there or "
              "choose another place with --temp-path",
              path, format_size(needed_bytes), format_size(free_bytes))};
}

}  // namespace

Result<StoreLock> StoreLock::acquire(const codec::Metainfo& metainfo, const std::string& path,
                                     bool create) {
  int flags = O_CLOEXEC | O_NONBLOCK;  // a pipe, refused below, must not hold us up
  if (metainfo.is_single_file) {
    flags |= create ? O_RDWR | O_CREAT : O_RDONLY;
  } else {
    flags |= O_RDONLY | O_DIRECTORY;
    if (create && mkdir(path.c_str(), directory_mode) != 0 && errno != EEXIST) {
      return fail_errno(errno, "cannot make the directory " + path);
    }
  }
  bool writable = create;
  int fd = ::open(path.c_str(), create ? flags | O_NOFOLLOW : flags, file_mode);
  if (fd < 0 && create && metainfo.is_single_file && (errno == EACCES || errno == EROFS)) {
    writable = false;  // if it is whole already, it need not be written
    fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
      return fail_errno(errno == ENOENT ? EACCES : errno,
                        "cannot write " + path + " (choose another directory with --temp-path)");
    }
  }
  if (fd < 0) {
    return fail_errno(errno, (create ? "cannot write " : "cannot read ") + path);
  }
  StoreLock lock;
  lock.fd_ = io::Fd(fd);
  struct stat info {};
  if (fstat(fd, &info) == 0 && metainfo.is_single_file && !S_ISREG(info.st_mode)) {
    return fail(ErrorCode::invalid_input, path + " is not a regular file");
  }
  if (create) {
    if (Status own = check_owner(info, path); !own) {
      return fail(own.error());
    }
  }
  if (writable && flock(fd, LOCK_EX | LOCK_NB) == 0) {
    lock.mode_ = Mode::exclusive;
    if (info.st_nlink > 1) {
      lock.is_ours_ = true;  // preallocate() says more
    } else if (!S_ISREG(info.st_mode) || info.st_size == 0) {
      lock.is_ours_ = true;
      fsetxattr(fd, own_mark, "1", 1, 0);  // where the file system has such
    } else {
      lock.is_ours_ = fgetxattr(fd, own_mark, nullptr, 0) >= 0 || errno == ENOTSUP;
    }
    return lock;
  }
  if (flock(fd, LOCK_SH | LOCK_NB) == 0) {
    lock.mode_ = Mode::shared;
    return lock;
  }
  return fail(ErrorCode::conflict,
              path +
                  " is being written by another murder process; wait for it, stop it with `murder "
                  "stop`, or choose another directory with --temp-path");
}

void StoreLock::share() {
  if (mode_ == Mode::exclusive && flock(fd_.get(), LOCK_SH | LOCK_NB) == 0) {
    mode_ = Mode::shared;
  }
}

Store::Store(const codec::Metainfo& metainfo, std::string path, Access access)
    : metainfo_(&metainfo),
      path_(std::move(path)),
      access_(access),
      files_(metainfo.files.size()),
      is_direct_(access == Access::write_direct),
      keeps_open_(metainfo.files.size() <= files_kept_open_max) {}

std::string Store::file_path(uint32_t file_index) const {
  return metainfo_->is_single_file ? path_ : path_ + "/" + metainfo_->files[file_index].path;
}

Result<Store> Store::open(const codec::Metainfo& metainfo, const std::string& path, Access access) {
  Store store(metainfo, path, access);
  if (metainfo.is_single_file) {
    Result<io::Fd> fd = store.open_file(0);
    if (!fd) {
      return fail(fd.error());
    }
    store.files_[0].fd = std::move(*fd);
  }
  return store;
}

Result<io::Fd> Store::open_file(uint32_t file_index) const {
  const std::string path = file_path(file_index);
  const bool write = access_ != Access::read;
  if (write && !metainfo_->is_single_file) {
    const Status made = make_parents(path);
    if (!made) {
      return fail(made.error());
    }
  }
  const int fd = ::open(path.c_str(),
                        (write ? O_RDWR | O_CREAT | O_NOFOLLOW : O_RDONLY) | O_CLOEXEC, file_mode);
  if (fd < 0) {
    return fail_errno(errno, (write ? "cannot write " : "cannot read ") + path);
  }
  return io::Fd(fd);
}

Status Store::preallocate_file(uint32_t file_index, bool is_complete) {
  const uint64_t size = metainfo_->files[file_index].size_bytes;
  const std::string path = file_path(file_index);
  const Result<int> fd = acquire(file_index);
  if (!fd) {
    return fail(fd.error());
  }
  Status status;
  struct stat info {};
  if (fstat(*fd, &info) != 0) {
    status = fail_errno(errno, "cannot read the size of " + path);
  } else if (info.st_nlink > 1 && (!is_complete || static_cast<uint64_t>(info.st_size) != size)) {
    status = fail(ErrorCode::conflict,
                  path +
                      " has other content, and other names (hard links) that would change with "
                      "it; remove it, or choose another directory with --temp-path");
  } else if (static_cast<uint64_t>(info.st_size) != size &&
             ftruncate(*fd, static_cast<off_t>(size)) != 0) {
    status = errno == ENOSPC || errno == EFBIG
                 ? Status(fail(no_space(path, size)))
                 : Status(fail_errno(errno, "cannot set the size of " + path));
  } else if (size > 0 && fallocate(*fd, 0, 0, static_cast<off_t>(size)) != 0) {
    const auto there = static_cast<uint64_t>(info.st_blocks) * 512;
    const uint64_t needed = size > there ? size - there : 0;
    struct statvfs free_space {};
    const bool unsupported = errno == EOPNOTSUPP || errno == ENOSYS || errno == EINVAL;
    if (errno == ENOSPC || errno == EDQUOT) {
      status = fail(no_space(path, needed));
    } else if (!unsupported) {
      status = fail_errno(errno, "cannot take the space for " + path);
    } else if (fstatvfs(*fd, &free_space) == 0 && free_space.f_blocks > 0 &&  // ramfs counts none
               uint64_t{free_space.f_bavail} * free_space.f_frsize < needed) {
      status = fail(no_space(path, needed));
    }
  }
  release(file_index);
  return status;
}

Status Store::preallocate(bool is_complete) {
  for (uint32_t index = 0; index < metainfo_->files.size(); ++index) {
    const codec::FileEntry& entry = metainfo_->files[index];
    if (entry.is_padding || entry.is_symlink) {
      continue;
    }
    const Status status = preallocate_file(index, is_complete);
    if (!status) {
      return status;
    }
  }
  return {};
}

StoreSegment Store::segment_at(uint64_t offset, uint32_t size_bytes) const {
  const std::vector<codec::FileEntry>& files = metainfo_->files;
  ENSURE(offset < metainfo_->geometry.total_bytes);
  // The last file that begins at or before the offset and is not empty.
  auto after = std::upper_bound(
      files.begin(), files.end(), offset,
      [](uint64_t wanted, const codec::FileEntry& file) { return wanted < file.offset; });
  ENSURE(after != files.begin());
  --after;
  while (after->size_bytes == 0 || after->is_symlink) {
    ENSURE(after != files.begin());
    --after;
  }
  const uint64_t in_file = offset - after->offset;
  ENSURE(in_file < after->size_bytes);
  const uint64_t size = std::min<uint64_t>(size_bytes, after->size_bytes - in_file);
  return {.file_index = static_cast<uint32_t>(after - files.begin()),
          .offset = in_file,
          .size_bytes = static_cast<uint32_t>(size),
          .is_padding = after->is_padding};
}

Result<int> Store::acquire(uint32_t file_index) {
  OpenFile& file = files_[file_index];
  if (!file.fd.is_open()) {
    Result<io::Fd> fd = open_file(file_index);
    if (!fd) {
      return fail(fd.error());
    }
    file.fd = std::move(*fd);
  }
  ++file.users;
  return file.fd.get();
}

void Store::release(uint32_t file_index) {
  OpenFile& file = files_[file_index];
  ENSURE(file.users > 0);
  if (--file.users == 0 && !keeps_open_) {
    file.fd.reset();
    file.direct_fd.reset();
  }
}

int Store::direct(uint32_t file_index) {
  OpenFile& file = files_[file_index];
  ENSURE(file.users > 0);
  if (is_direct_ && !file.direct_fd.is_open()) {
    // By the descriptor: the name may stand for another file by now.
    const std::string path = fmt::format("/proc/self/fd/{}", file.fd.get());
    file.direct_fd = io::Fd(::open(path.c_str(), O_WRONLY | O_DIRECT | O_CLOEXEC));
    // EINVAL: the file system cannot (tmpfs before Linux 6.6, some FUSE and network ones).
    is_direct_ = file.direct_fd.is_open();
  }
  return is_direct_ ? file.direct_fd.get() : -1;
}

}  // namespace murder::node
