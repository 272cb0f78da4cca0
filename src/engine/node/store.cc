#include "engine/node/store.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/core.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <string_view>

#include "engine/base/ensure.h"
#include "engine/base/missing_inodes.h"
#include "engine/base/own_file.h"
#include "engine/base/units.h"

namespace murder::node {
namespace {

constexpr size_t files_kept_open_max = 256;
// It may hold what others must not read: of them none but this process does.
constexpr mode_t directory_mode = 0700;
constexpr mode_t file_mode = 0600;
// An extended attribute of what was made here, so that it may be written again.
constexpr const char* own_mark = "user.murder";

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

bool is_empty_directory(int fd) {
  // Another descriptor, since reading moves its offset.
  const int listed_fd = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR* directory = listed_fd < 0 ? nullptr : fdopendir(listed_fd);
  if (directory == nullptr) {
    return false;
  }
  bool is_empty = true;
  while (const struct dirent* item = readdir(directory)) {
    const std::string_view name = item->d_name;
    is_empty = is_empty && (name == "." || name == "..");
  }
  closedir(directory);
  return is_empty;
}

// Whether what is locked may be written over. Marks what is new.
bool is_made_here(int fd, const struct stat& info) {
  if (S_ISDIR(info.st_mode) ? is_empty_directory(fd) : info.st_size == 0) {
    fsetxattr(fd, own_mark, "1", 1, 0);  // where the file system has such
    return true;
  }
  // In a directory there may be anything, so where there are no marks it is taken for somebody
  // else's.
  return fgetxattr(fd, own_mark, nullptr, 0) >= 0 || (errno == ENOTSUP && !S_ISDIR(info.st_mode));
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

// Where anybody may put files, what was put there by others is not used; where they may also take
// files away and put their own in place of ours (no sticky bit), nothing is.
Status check_place(const std::string& path, const struct stat& info, bool writes) {
  const size_t slash = path.rfind('/');
  const std::string parent = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  struct stat directory {};
  if (stat(parent.c_str(), &directory) != 0 || !is_open_to_others(directory)) {
    return writes ? check_owner(info, path) : Status();
  }
  if (writes && (directory.st_mode & S_ISVTX) == 0) {
    return fail(ErrorCode::conflict,
                fmt::format("{} may be written by everybody, who could put other files in place of "
                            "the archive: set its sticky bit (chmod +t), or choose another "
                            "directory with --temp-path",
                            parent));
  }
  return writes ? check_owner(info, path) : check_own(info, path);
}

// An errno value, or 0. `ret_writable`: whether it was opened for writing.
int open_content(const codec::Metainfo& metainfo, const std::string& path, bool create, int* ret_fd,
                 bool* ret_writable) {
  // A pipe, refused below, must not hold us up.
  const int flags = O_CLOEXEC | O_NONBLOCK | (create ? O_NOFOLLOW : 0);
  *ret_writable = create;
  if (!metainfo.is_single_file) {
    if (create && mkdir(path.c_str(), directory_mode) != 0 && errno != EEXIST) {
      return errno;
    }
    *ret_fd = ::open(path.c_str(), flags | O_RDONLY | O_DIRECTORY);
    return *ret_fd < 0 ? errno : 0;
  }
  *ret_fd = ::open(path.c_str(), flags | (create ? O_RDWR | O_CREAT : O_RDONLY), file_mode);
  if (*ret_fd < 0 && create && (errno == EACCES || errno == EROFS)) {
    *ret_writable = false;  // if it is whole already, it need not be written
    const int refusal = errno;
    *ret_fd = ::open(path.c_str(), flags | O_RDONLY);
    return *ret_fd >= 0 ? 0 : errno == ENOENT ? refusal : errno;
  }
  return *ret_fd < 0 ? errno : 0;
}

// A lock that a stranger holds on a file that he may read keeps nobody from serving it.
bool is_locked_by_stranger(int fd) {
  const std::optional<LockHolder> holder = find_lock_holder(fd);
  return holder && holder->uid != geteuid() && holder->uid != 0;
}

}  // namespace

Result<StoreLock> StoreLock::acquire(const codec::Metainfo& metainfo, const std::string& path,
                                     bool create) {
  int fd = -1;
  bool writable = false;
  if (const int error_number = open_content(metainfo, path, create, &fd, &writable);
      error_number != 0) {
    return fail_making(error_number, path,
                       create ? fmt::format("cannot write {} (choose another "
                                            "directory with --temp-path)",
                                            path)
                              : "cannot read " + path);
  }
  StoreLock lock;
  lock.fd_ = io::Fd(fd);
  struct stat info {};
  if (fstat(fd, &info) != 0) {
    return fail_errno(errno, "cannot look at " + path);
  }
  if (metainfo.is_single_file && !S_ISREG(info.st_mode)) {
    return fail(ErrorCode::invalid_input, path + " is not a regular file");
  }
  if (Status usable = check_place(path, info, create); !usable) {
    return fail(usable.error());
  }
  if (writable && flock(fd, LOCK_EX | LOCK_NB) == 0) {
    lock.mode_ = Mode::exclusive;
    const bool has_other_names = S_ISREG(info.st_mode) && info.st_nlink > 1;
    lock.is_ours_ = has_other_names || is_made_here(fd, info);  // of those preallocate() says more
    return lock;
  }
  if (flock(fd, LOCK_SH | LOCK_NB) == 0 || (!create && is_locked_by_stranger(fd))) {
    lock.mode_ = Mode::shared;
    return lock;
  }
  const std::optional<LockHolder> holder = find_lock_holder(fd);
  return fail(ErrorCode::conflict,
              fmt::format("{} is being written by another murder process{}; wait for it, stop it "
                          "with `murder stop`, or choose another directory with --temp-path",
                          path, holder ? ", " + holder->text() : ""));
}

Status StoreLock::check_content(const codec::Metainfo& metainfo, const std::string& path,
                                const BitSet& have) const {
  if (have.all()) {
    return {};
  }
  if (mode_ != Mode::exclusive) {
    return fail(
        ErrorCode::conflict,
        fmt::format(
            "{} is in use by another murder process or not writable, and its content is not that "
            "of this torrent; stop that process with `murder stop`, or choose another directory "
            "with --temp-path",
            path));
  }
  // A file that has some of the release is the beginning of it, whoever made it; of a directory
  // that says nothing about the other files.
  if (is_ours_ || (metainfo.is_single_file && have.count() > 0)) {
    return {};
  }
  return fail(ErrorCode::conflict,
              fmt::format("{} is there, is {} this release, and was not made by murder: move it "
                          "away, or choose another directory with --temp-path",
                          path, have.count() == 0 ? "nothing of" : "not all of"));
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
  if (!metainfo.is_single_file && access != Access::read) {
    if (mkdir(path.c_str(), directory_mode) != 0 && errno != EEXIST) {
      return fail_making(errno, path, "cannot make the directory " + path);
    }
    store.root_ = io::Fd(::open(path.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!store.root_.is_open()) {
      return fail_errno(errno, "cannot write " + path);
    }
    store.cursor_ = archive::DirectoryCursor(store.root_.get());
  }
  if (metainfo.is_single_file) {
    Result<io::Fd> fd = store.open_file(0);
    if (!fd) {
      return fail(fd.error());
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
  } else if (static_cast<uint64_t>(info.st_size) != size &&
             ftruncate(*fd, static_cast<off_t>(size)) != 0) {
    const bool does_not_fit = errno == ENOSPC || (errno == EFBIG && !exceeds_file_limit(size));
    status = does_not_fit ? Status(fail(no_space(path, size)))
                          : Status(fail_errno(errno, "cannot set the size of " + path));
  } else if (size > 0 && fallocate(*fd, 0, 0, static_cast<off_t>(size)) != 0) {
    const auto there = static_cast<uint64_t>(info.st_blocks) * 512;
    const uint64_t needed = size > there ? size - there : 0;
    struct statvfs free_space {};
    const int error_number = errno;
    const bool unsupported =
        error_number == EOPNOTSUPP || error_number == ENOSYS || error_number == EINVAL;
    const auto is_full = [&] {
      return fstatvfs(*fd, &free_space) == 0 && free_space.f_blocks > 0 &&  // ramfs counts none
             uint64_t{free_space.f_bavail} * free_space.f_frsize < needed;
    };
    if (error_number == ENOSPC || error_number == EDQUOT || (unsupported && is_full())) {
      status = fail(no_space(path, needed));
    } else if (!unsupported) {
      status = fail_errno(error_number, "cannot take the space for " + path);
    }
  }
  release(file_index);
  return status;
}

Status Store::preallocate(Content content) {
  ENSURE(access_ != Access::read);
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
