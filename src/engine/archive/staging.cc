#include "engine/archive/staging.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <linux/fs.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <memory>
#include <string_view>

#include "engine/archive/tree_removal.h"
#include "engine/base/missing_inodes.h"
#include "engine/base/own_file.h"
#include "engine/base/small_file.h"

namespace murder::archive {

namespace {

constexpr std::string_view mark = ".murder-";
constexpr size_t random_digits = 12;
constexpr int removal_descriptors = 6;  // what remove_tree has open at a time
constexpr int attempts_max = 100;

// Whether the name still stands for the open file: someone may have removed it before the lock was
// taken, taking it for a leftover.
bool is_same_file(int fd, const std::string& path) {
  struct stat open_status {};
  struct stat path_status {};
  return ::fstat(fd, &open_status) == 0 && ::lstat(path.c_str(), &path_status) == 0 &&
         open_status.st_dev == path_status.st_dev && open_status.st_ino == path_status.st_ino;
}

}  // namespace

Staging::Staging(Fd file, std::string path, Kind kind, mode_t directory_mode)
    : file_(std::move(file)),
      path_(std::move(path)),
      doomed_(path_),
      kind_(kind),
      directory_mode_(directory_mode) {}

Staging::Staging(Staging&& other) noexcept
    : file_(std::move(other.file_)),
      reserve_(std::move(other.reserve_)),
      path_(std::exchange(other.path_, {})),
      doomed_(std::move(other.doomed_)),
      kind_(other.kind_),
      directory_mode_(other.directory_mode_) {}

Staging::~Staging() {
  reserve_.clear();
  if (path_.empty()) {
    return;
  }
  if (kind_ == Kind::file) {
    ::unlink(path_.c_str());
  } else if (::rmdir(path_.c_str()) != 0) {  // it needs no descriptor
    // What stays is a leftover that the next run tries again.
    static_cast<void>(remove_tree(path_));
  }
}

Result<Staging> Staging::make(const std::string& parent, const std::string& name, Kind kind,
                              mode_t file_mode) {
  for (int attempt = 0; attempt < attempts_max; ++attempt) {
    std::string path = join_path(parent, hidden_name_for(name));
    if (kind == Kind::directory && ::mkdir(path.c_str(), 0777) != 0) {
      if (errno == EEXIST) {
        continue;
      }
      return fail_making(errno, parent, "cannot make a directory in " + parent);
    }
    const int flags = kind == Kind::file ? O_RDWR | O_CREAT | O_EXCL : O_RDONLY | O_DIRECTORY;
    Fd file(::open(path.c_str(), flags | O_NOFOLLOW | O_CLOEXEC, file_mode));
    if (!file.is_open()) {
      // A directory that was just made may have been taken for a leftover by another run.
      if (errno == EEXIST || (errno == ENOENT && kind == Kind::directory)) {
        continue;
      }
      const int error_number = errno;
      if (kind == Kind::directory) {
        ::rmdir(path.c_str());
      }
      return fail_making(error_number, parent, "cannot make a file in " + parent);
    }
    mode_t directory_mode = 0;
    // Some file systems have no locks; then leftovers cannot be told and are not removed either.
    if ((::flock(file.get(), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) ||
        !is_same_file(file.get(), path)) {
      continue;
    }
    if (kind == Kind::directory) {
      const Result<struct stat> status = stat_of(file.get(), path);
      if (!status) {
        return fail(status.error());
      }
      directory_mode = status->st_mode & 07777U;
      // With the bit that gives the parent's group to all that is made in it.
      ::fchmod(file.get(), 0700 | (status->st_mode & S_ISGID));
    }
    Staging staging(std::move(file), std::move(path), kind, directory_mode);
    for (int count = kind == Kind::directory ? removal_descriptors : 0; count > 0; --count) {
      staging.reserve_.emplace_back(::open("/", O_PATH | O_CLOEXEC));
      if (!staging.reserve_.back().is_open()) {
        return fail_errno(errno, "cannot make a directory in " + parent);
      }
    }
    return staging;
  }
  return fail(ErrorCode::conflict, "cannot find a free name in " + parent);
}

// Whoever opens it by its name to read it need not wait for us. A lock to read keeps it from being
// taken for a leftover, too.
void Staging::share() const {
  if (kind_ == Kind::file) {
    static_cast<void>(::flock(file_.get(), LOCK_SH | LOCK_NB));
  }
}

Status Staging::rename_to(const std::string& target) {
  share();
  if (::rename(path_.c_str(), target.c_str()) != 0) {
    return fail_errno(errno, "cannot put it in place as " + target);
  }
  if (kind_ == Kind::file) {
    // Two names of one file are left as they are by rename(2).
    ::unlink(path_.c_str());
  }
  path_.clear();
  doomed_.spare();
  return {};
}

Status Staging::rename_to_new(const std::string& target) {
  share();
  if (::renameat2(AT_FDCWD, path_.c_str(), AT_FDCWD, target.c_str(), RENAME_NOREPLACE) != 0) {
    const bool is_unsupported = errno == EINVAL || errno == ENOSYS;
    if (!is_unsupported) {
      return fail_errno(errno, "cannot put it in place as " + target);
    }
    if (::link(path_.c_str(), target.c_str()) != 0) {
      return fail_errno(errno, "cannot put it in place as " + target);
    }
    ::unlink(path_.c_str());
  }
  path_.clear();
  doomed_.spare();
  return {};
}

Status Staging::discard() {
  reserve_.clear();
  return remove_tree(std::exchange(path_, {}));
}

Status Staging::exchange_with(const std::string& target) {
  if (::renameat2(AT_FDCWD, path_.c_str(), AT_FDCWD, target.c_str(), RENAME_EXCHANGE) == 0) {
    return {};
  }
  if (errno == EXDEV) {
    return fail(ErrorCode::unsupported, target + " cannot be renamed");
  }
  if (errno != EINVAL && errno != ENOSYS) {
    return fail_errno(errno, "cannot put it in place as " + target);
  }
  // A file system without exchange: for a moment nothing has the name.
  const std::string aside = path_ + "-old";
  if (::rename(target.c_str(), aside.c_str()) != 0) {
    return errno == EXDEV ? fail(ErrorCode::unsupported, target + " cannot be renamed")
                          : fail_errno(errno, "cannot move away " + target);
  }
  if (::rename(path_.c_str(), target.c_str()) != 0) {
    const int error_number = errno;
    ::rename(aside.c_str(), target.c_str());
    return fail_errno(error_number, "cannot put it in place as " + target);
  }
  // Best under a name that a later run knows to remove.
  path_ = ::rename(aside.c_str(), path_.c_str()) == 0 ? path_ : aside;
  return {};
}

std::string lock_name_of(const std::string& name) {
  return fmt::format(".{}{}lock", name, mark);
}

bool is_staging_name(const std::string& entry, const std::string& name) {
  if (entry == lock_name_of(name)) {
    return true;
  }
  const std::string front = fmt::format(".{}{}", name, mark);
  return entry.size() == front.size() + random_digits && entry.starts_with(front) &&
         entry.find_first_not_of("0123456789abcdef", front.size()) == std::string::npos;
}

namespace {

std::vector<std::string> find_leftovers(const std::string& parent,
                                        std::span<const std::string> names) {
  std::vector<std::string> found;
  DIR* directory = ::opendir(parent.c_str());
  if (directory == nullptr) {
    return found;
  }
  while (const struct dirent* item = ::readdir(directory)) {
    const std::string entry = item->d_name;
    if (std::ranges::any_of(
            names, [&](const std::string& name) { return is_staging_name(entry, name); })) {
      found.push_back(join_path(parent, entry));
    }
  }
  ::closedir(directory);
  return found;
}

}  // namespace

void remove_leftovers(const std::string& parent, std::span<const std::string> names) {
  // Where nobody else makes names it is of a run of ours, though it has the owner of its release.
  struct stat place {};
  const bool is_own_place =
      ::stat(parent.c_str(), &place) == 0 && check_own(place, parent).has_value();
  for (const std::string& path : find_leftovers(parent, names)) {
    const Fd file(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    struct stat status {};
    const bool is_ours = file.is_open() && ::fstat(file.get(), &status) == 0 &&
                         (is_own_place || status.st_uid == ::geteuid());
    if (!is_ours || ::flock(file.get(), LOCK_EX | LOCK_NB) != 0 ||
        !is_same_file(file.get(), path)) {
      continue;
    }
    if (Status removed = remove_tree(path); !removed) {
      continue;
    }
  }
}

void remove_leftovers(const std::string& parent, const std::string& name) {
  remove_leftovers(parent, std::span(&name, 1));
}

void remove_link_leftovers(const std::string& parent, const std::string& name) {
  for (const std::string& path : find_leftovers(parent, std::span(&name, 1))) {
    struct stat status {};
    if (::lstat(path.c_str(), &status) == 0 && S_ISLNK(status.st_mode) &&
        status.st_uid == ::geteuid()) {
      ::unlink(path.c_str());
    }
  }
}

}  // namespace murder::archive
