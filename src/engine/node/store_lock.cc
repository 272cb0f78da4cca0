#include "engine/node/store_lock.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/core.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cerrno>
#include <optional>
#include <string_view>

#include "engine/base/missing_inodes.h"
#include "engine/base/own_file.h"

namespace murder::node {
namespace {

// An extended attribute of what was made here, so that it may be written again.
constexpr const char* own_mark = "user.murder";

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

// An errno value, or 0. `ret_refusal`: why it was opened for reading only, in place of writing.
int open_content(const codec::Metainfo& metainfo, const std::string& path, bool create, int* ret_fd,
                 int* ret_refusal) {
  // A pipe, refused below, must not hold us up.
  const int flags = O_CLOEXEC | O_NONBLOCK | (create ? O_NOFOLLOW : 0);
  if (!metainfo.is_single_file) {
    if (create && mkdir(path.c_str(), StoreLock::directory_mode) != 0 && errno != EEXIST) {
      return errno;
    }
    *ret_fd = ::open(path.c_str(), flags | O_RDONLY | O_DIRECTORY);
    return *ret_fd < 0 ? errno : 0;
  }
  *ret_fd =
      ::open(path.c_str(), flags | (create ? O_RDWR | O_CREAT : O_RDONLY), StoreLock::file_mode);
  if (*ret_fd < 0 && create && (errno == EACCES || errno == EROFS)) {
    *ret_refusal = errno;
    *ret_fd = ::open(path.c_str(), flags | O_RDONLY);  // if it is whole already, that will do
    return *ret_fd >= 0 ? 0 : errno == ENOENT ? *ret_refusal : errno;
  }
  return *ret_fd < 0 ? errno : 0;
}

std::string cannot_write(const std::string& path) {
  return fmt::format("cannot write {} (choose another directory with --temp-path)", path);
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
  int refusal = 0;
  if (const int error_number = open_content(metainfo, path, create, &fd, &refusal);
      error_number != 0) {
    return fail_making(error_number, path, create ? cannot_write(path) : "cannot read " + path);
  }
  const bool writable = create && refusal == 0;
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
  lock.is_writable_ = writable;
  lock.refusal_ = refusal;
  const bool may_be_whole = metainfo.is_single_file && info.st_size > 0 &&
                            static_cast<uint64_t>(info.st_size) == metainfo.geometry.total_bytes;
  if (writable && flock(fd, (may_be_whole ? LOCK_SH : LOCK_EX) | LOCK_NB) == 0) {
    lock.mode_ = may_be_whole ? Mode::shared : Mode::exclusive;
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
  if (refusal_ != 0) {
    return fail_errno(refusal_, cannot_write(path));
  }
  if (mode_ != Mode::exclusive) {
    return fail(
        ErrorCode::conflict,
        fmt::format(
            "{} is in use by another murder process, and its content is not that of this torrent; "
            "stop that process with `murder stop`, or choose another directory with --temp-path",
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

void StoreLock::claim() {
  if (mode_ != Mode::shared || !is_writable_) {
    return;
  }
  // A call that fails has given the shared lock back. It is not taken again: of several that lack
  // something, the last one to come here finds nobody in its way.
  mode_ = flock(fd_.get(), LOCK_EX | LOCK_NB) == 0 ? Mode::exclusive : Mode::none;
}

bool StoreLock::is_at(const std::string& path) const {
  struct stat locked {};
  struct stat found {};
  return fstat(fd_.get(), &locked) == 0 && stat(path.c_str(), &found) == 0 &&
         locked.st_dev == found.st_dev && locked.st_ino == found.st_ino;
}

bool StoreLock::is_of(int fd) const {
  struct stat locked {};
  struct stat found {};
  return fstat(fd_.get(), &locked) == 0 && fstat(fd, &found) == 0 &&
         locked.st_dev == found.st_dev && locked.st_ino == found.st_ino;
}

Error replaced_error(const std::string& path) {
  return {.code = ErrorCode::conflict,
          .text = fmt::format("{} was replaced by another file again and again while it was "
                              "looked at: end what writes there, or choose another directory "
                              "with --temp-path",
                              path)};
}

void StoreLock::share() {
  if (mode_ == Mode::exclusive && flock(fd_.get(), LOCK_SH | LOCK_NB) == 0) {
    mode_ = Mode::shared;
  }
}

}  // namespace murder::node
