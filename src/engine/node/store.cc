#include "engine/node/store.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>

#include "engine/base/ensure.h"
#include "engine/base/missing_inodes.h"
#include "engine/base/units.h"

namespace murder::node {
namespace {

constexpr size_t files_kept_open_max = 256;
constexpr mode_t directory_mode = StoreLock::directory_mode;
constexpr mode_t file_mode = StoreLock::file_mode;

// Makes the directories that a path below the cursor's root lies in. An errno value, or 0.
int make_parents(archive::DirectoryCursor& cursor, const std::string& path) {
  for (size_t slash = path.find('/'); slash != std::string::npos;
       slash = path.find('/', slash + 1)) {
    const std::string parent = path.substr(0, slash);
    archive::DirectoryCursor::Place place;
    if (const int error_number = cursor.enter_parent(parent, &place); error_number != 0) {
      return error_number;
    }
    if (mkdirat(place.directory_fd, place.name, directory_mode) != 0 && errno != EEXIST) {
      return errno;
    }
  }
  return 0;
}

// Nothing where that cannot be told: ramfs counts no blocks.
std::optional<uint64_t> free_bytes_at(const std::string& path) {
  struct statvfs info {};
  if (statvfs(path.c_str(), &info) != 0 || info.f_blocks == 0) {
    return std::nullopt;
  }
  return uint64_t{geteuid() == 0 ? info.f_bfree : info.f_bavail} * info.f_frsize;
}

Error no_space(const std::string& path, uint64_t needed_bytes) {
  return {.code = ErrorCode::no_space,
          .text = fmt::format(
              "the disk is too full for {}: it needs {} more, {} are free; make room there or "
              "choose another place with --temp-path",
              path, format_size(needed_bytes), format_size(free_bytes_at(path).value_or(0)))};
}

// What fallocate(2) would take of the disk for it.
uint64_t missing_bytes(const struct stat& info, uint64_t size_bytes) {
  const auto there = static_cast<uint64_t>(info.st_blocks) * 512;
  return size_bytes > there ? size_bytes - there : 0;
}

}  // namespace

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

Result<Store> Store::open(const codec::Metainfo& metainfo, const std::string& path, Access access,
                          const StoreLock* lock) {
  Store store(metainfo, path, access);
  if (!metainfo.is_single_file && access != Access::read) {
    if (mkdir(path.c_str(), directory_mode) != 0 && errno != EEXIST) {
      return fail_making(errno, path, "cannot make the directory " + path);
    }
    store.root_ = io::Fd(::open(path.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!store.root_.is_open()) {
      return fail_errno(errno, "cannot write " + path);
    }
    if (lock != nullptr && !lock->is_of(store.root_.get())) {
      return fail(replaced_error(path));
    }
    store.cursor_ = archive::DirectoryCursor(store.root_.get());
  }
  if (metainfo.is_single_file) {
    Result<io::Fd> fd = store.open_file(0);
    if (!fd) {
      return fail(fd.error());
    }
    if (lock != nullptr && !lock->is_of(fd->get())) {
      return fail(replaced_error(path));
    }
    store.files_[0].fd = std::move(*fd);
  }
  return store;
}

Result<io::Fd> Store::open_file(uint32_t file_index) {
  const std::string path = file_path(file_index);
  int fd = -1;
  if (access_ == Access::read) {
    fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  } else if (metainfo_->is_single_file) {
    fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, file_mode);
  } else {
    fd = open_in_tree(metainfo_->files[file_index].path);
  }
  if (fd < 0) {
    return fail_making(errno, path,
                       (access_ == Access::read ? "cannot read " : "cannot write ") + path);
  }
  return io::Fd(fd);
}

// For writing, made if it is not there. Whatever lies in the directory by now, no link leads out.
int Store::open_in_tree(const std::string& path) {
  archive::DirectoryCursor::Place place;
  int error_number = cursor_.enter_parent(path, &place);
  if (error_number == ENOENT) {
    error_number = make_parents(cursor_, path);
    if (error_number == 0) {
      error_number = cursor_.enter_parent(path, &place);
    }
  }
  if (error_number != 0) {
    errno = error_number;
    return -1;
  }
  constexpr int flags = O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC;
  return ::openat(place.directory_fd, place.name, flags, file_mode);
}

// Whether `ulimit -f` is what forbids a file of this size; else it is the file system.
static bool exceeds_file_limit(uint64_t size_bytes) {
  rlimit limit{};
  return getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY &&
         size_bytes > limit.rlim_cur;
}

Status Store::preallocate_file(uint32_t file_index, Content content) {
  const uint64_t size = metainfo_->files[file_index].size_bytes;
  const std::string path = file_path(file_index);
  const Result<int> fd = acquire(file_index);
  if (!fd) {
    return fail(fd.error());
  }
  Status status;
  struct stat info {};
  const bool has_stat = fstat(*fd, &info) == 0;
  const bool may_stay =
      content.is_complete && has_stat && static_cast<uint64_t>(info.st_size) == size;
  if (!has_stat) {
    status = fail_errno(errno, "cannot read the size of " + path);
  } else if (!S_ISREG(info.st_mode)) {
    status = fail(ErrorCode::conflict, path + " is not a regular file");
  } else if (!content.is_ours && info.st_size != 0 && !may_stay) {
    status = fail(ErrorCode::conflict,
                  path +
                      " has other content, and was not made by murder: move it away, or choose "
                      "another directory with --temp-path");
  } else if (info.st_nlink > 1 && !may_stay) {
    status = fail(ErrorCode::conflict,
                  path +
                      " has other content, and other names (hard links) that would change with "
                      "it; remove it, or choose another directory with --temp-path");
  } else if (may_stay) {
    // Not even the time at which it was changed: another process may serve it, and look at that.
  } else if (static_cast<uint64_t>(info.st_size) != size &&
             ftruncate(*fd, static_cast<off_t>(size)) != 0) {
    const bool does_not_fit = errno == ENOSPC || (errno == EFBIG && !exceeds_file_limit(size));
    status = does_not_fit ? Status(fail(no_space(path, size)))
                          : Status(fail_errno(errno, "cannot set the size of " + path));
  } else if (size > 0 && fallocate(*fd, 0, 0, static_cast<off_t>(size)) != 0) {
    const int error_number = errno;
    if (error_number == ENOSPC || error_number == EDQUOT) {
      // It may have taken all that there was; what was there before stays.
      const bool is_given_back =
          ftruncate(*fd, std::min(info.st_size, static_cast<off_t>(size))) == 0;
      status = is_given_back ? fail(no_space(path, missing_bytes(info, size)))
                             : fail_errno(errno, "cannot give back the space of " + path);
    } else if (error_number != EOPNOTSUPP && error_number != ENOSYS && error_number != EINVAL) {
      status = fail_errno(error_number, "cannot take the space for " + path);
    }
  }
  release(file_index);
  return status;
}

// Asked before: ext4 takes all that is free before it says that this is not enough, and until it is
// given back nothing else on the host could write.
Status Store::check_space() const {
  uint64_t needed_bytes = 0;
  for (uint32_t index = 0; index < metainfo_->files.size(); ++index) {
    const codec::FileEntry& entry = metainfo_->files[index];
    if (entry.is_padding || entry.is_symlink) {
      continue;
    }
    struct stat info {};  // of what is not there it stays empty
    static_cast<void>(stat(file_path(index).c_str(), &info));
    needed_bytes += missing_bytes(info, entry.size_bytes);
  }
  const std::optional<uint64_t> free_bytes = free_bytes_at(path_);
  return free_bytes && needed_bytes > *free_bytes ? fail(no_space(path_, needed_bytes)) : Status();
}

Status Store::preallocate(Content content) {
  ENSURE(access_ != Access::read);
  if (!content.is_complete) {
    if (Status enough = check_space(); !enough) {
      return enough;
    }
  }
  for (uint32_t index = 0; index < metainfo_->files.size(); ++index) {
    const codec::FileEntry& entry = metainfo_->files[index];
    if (entry.is_padding || entry.is_symlink) {
      continue;
    }
    const Status status = preallocate_file(index, content);
    if (!status) {
      return status;
    }
  }
  return {};
}

StoreSegment Store::segment_at(uint64_t offset, uint32_t size_bytes) const {
  const std::vector<codec::FileEntry>& files = metainfo_->files;
  ENSURE(offset < metainfo_->geometry.total_bytes);
  // The last file that begins at or before the offset and is not empty (as symbolic links are).
  auto after = std::upper_bound(
      files.begin(), files.end(), offset,
      [](uint64_t wanted, const codec::FileEntry& file) { return wanted < file.offset; });
  ENSURE(after != files.begin());
  --after;
  while (after->size_bytes == 0) {
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
  ENSURE(file_index < files_.size());
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
    close(file.fd);
    close(file.direct_fd);
  }
}

void Store::close(io::Fd& fd) {
  if (reactor_ != nullptr && fd.is_open()) {
    reactor_->close_fd(fd.release());
  }
  fd.reset();
}

int Store::acquire_open(uint32_t file_index) {
  ENSURE(file_index < files_.size());
  OpenFile& file = files_[file_index];
  if (file.fd.is_open()) {
    ++file.users;
  }
  return file.fd.get();
}

// As open_file(), in one request: no link is followed in what is written.
Store::OpenRequest Store::open_request(uint32_t file_index) const {
  OpenRequest request{.directory_fd = AT_FDCWD, .path = file_path(file_index)};
  request.how.flags = O_CLOEXEC | O_RDONLY;
  if (access_ != Access::read && !metainfo_->is_single_file) {
    request.directory_fd = root_.get();
    request.path = metainfo_->files[file_index].path;
    request.how.flags = O_CLOEXEC | O_RDWR | O_CREAT;
    request.how.mode = file_mode;
    request.how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS;
  } else if (access_ != Access::read) {
    request.how.flags = O_CLOEXEC | O_RDWR | O_CREAT | O_NOFOLLOW;
    request.how.mode = file_mode;
  }
  return request;
}

void Store::opened(uint32_t file_index, int fd) {
  ENSURE(fd >= 0);
  io::Fd opened_fd(fd);
  OpenFile& file = files_[file_index];
  if (file.fd.is_open()) {
    close(opened_fd);  // another transfer was first
  } else {
    file.fd = std::move(opened_fd);
  }
}

bool Store::wants_direct(uint32_t file_index) const {
  ENSURE(files_[file_index].users > 0);
  return is_direct_ && !files_[file_index].direct_fd.is_open();
}

// By the descriptor: the name may stand for another file by now.
Store::OpenRequest Store::direct_request(uint32_t file_index) const {
  OpenRequest request{.directory_fd = AT_FDCWD,
                      .path = fmt::format("/proc/self/fd/{}", files_[file_index].fd.get())};
  request.how.flags = O_WRONLY | O_DIRECT | O_CLOEXEC;
  return request;
}

void Store::opened_direct(uint32_t file_index, int fd) {
  ENSURE(fd >= 0 && files_[file_index].users > 0);
  io::Fd opened_fd(fd);
  OpenFile& file = files_[file_index];
  if (file.direct_fd.is_open()) {
    close(opened_fd);
  } else {
    file.direct_fd = std::move(opened_fd);
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
