#include "coordinator/store/state_file.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <optional>
#include <utility>

#include "coordinator/store/bounds.h"
#include "engine/base/own_file.h"
#include "engine/base/printable.h"
#include "engine/base/small_file.h"

namespace murder::store {
namespace {

std::string parent_of(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) {
    return ".";
  }
  return slash == 0 ? "/" : path.substr(0, slash);
}

// Each directory's entry is on the disk before the one below it is made.
Status make_directories(const std::string& path) {
  for (size_t end = path.find('/', 1);; end = path.find('/', end + 1)) {
    const std::string part = path.substr(0, end);
    const bool is_last = end == std::string::npos;
    if (::mkdir(part.c_str(), is_last ? 0700 : 0755) == 0) {
      if (Status synced = sync_directory(parent_of(part)); !synced) {
        return synced;
      }
    } else if (errno != EEXIST) {
      return fail_errno(errno, "cannot make the directory " + part);
    }
    if (is_last) {
      return {};
    }
  }
}

bool is_empty_directory(int fd) {
  // A descriptor of its own: closedir() closes it.
  DIR* entries = ::fdopendir(::fcntl(fd, F_DUPFD_CLOEXEC, 0));
  if (entries == nullptr) {
    return false;
  }
  bool is_empty = true;
  while (const dirent* entry = ::readdir(entries)) {
    const std::string_view name = static_cast<const char*>(entry->d_name);
    is_empty = is_empty && (name == "." || name == "..");
  }
  ::closedir(entries);
  return is_empty;
}

Result<Fd> open_directory(const std::string& path, struct stat* ret_status) {
  Fd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.is_open() || ::fstat(fd.get(), ret_status) != 0) {
    return fail_errno(errno, "cannot open the directory " + path);
  }
  return fd;
}

std::string lock_path_of(const std::string& state_file) {
  return state_file + ".lock";
}

}  // namespace

Result<std::string> prepare_state_directory(const std::string& directory) {
  std::string path = directory;
  while (path.size() > 1 && path.back() == '/') {
    path.pop_back();
  }
  if (Status made = make_directories(path); !made) {
    return fail(made.error());
  }
  struct stat status {};
  const Result<Fd> fd = open_directory(path, &status);
  if (!fd) {
    return fail(fd.error());
  }
  if (Status own = check_own(status, path); !own) {
    return fail(own.error());
  }
  const std::string name(state_file_name);
  const bool is_state = ::faccessat(fd->get(), name.c_str(), F_OK, 0) == 0;
  if ((status.st_mode & 0077U) != 0 && status.st_uid == ::geteuid() &&
      (is_state || is_empty_directory(fd->get())) && ::fchmod(fd->get(), 0700) != 0) {
    return fail_errno(errno, "cannot make " + path + " private");
  }
  return path == "/" ? "/" + name : path + "/" + name;
}

Status check_directory_of(const std::string& file) {
  struct stat status {};
  const std::string parent = parent_of(file);
  const Result<Fd> fd = open_directory(parent, &status);
  return fd ? check_own(status, parent) : Status(fail(fd.error()));
}

Status make_private_file(const std::string& file) {
  const int fd = ::open(file.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (fd < 0 && errno != EEXIST) {
    return fail_errno(errno, "cannot make " + file);
  }
  const Fd made(fd);
  return sync_directory(parent_of(file));
}

Result<StateLock> StateLock::take(const std::string& state_file, std::string_view own_address) {
  const std::string path = lock_path_of(state_file);
  Fd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!fd.is_open()) {
    return fail_errno(errno, "cannot open the lock " + path);
  }
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK && errno != EINTR) {
      return fail_errno(errno, "cannot lock " + path);
    }
    const std::optional<LockHolder> holder = find_lock_holder(fd.get());
    return fail(ErrorCode::conflict,
                fmt::format("{} is in use by {}: one coordinator at a time may use it",
                            printable_value(state_file),
                            holder ? holder->text() : std::string("another process")));
  }
  StateLock lock(std::move(fd), path);
  if (!lock.is_in_place()) {
    return fail(ErrorCode::conflict, path + " was replaced in this moment: try again");
  }
  if (::ftruncate(lock.fd_.get(), 0) != 0) {
    return fail_errno(errno, "cannot write " + path);
  }
  // Only for others to read: where the disk is full, they are not told.
  static_cast<void>(write_whole(lock.fd_.get(), own_address, path));
  return lock;
}

std::string StateLock::read_holder_address(const std::string& state_file) {
  const Fd fd(::open(lock_path_of(state_file).c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  // Not by trying to lock it: a coordinator that starts in this moment would be refused.
  if (!fd.is_open() || !find_lock_holder(fd.get())) {
    return {};
  }
  std::array<char, limits::store_address_bytes_max> address{};
  const ssize_t size = ::pread(fd.get(), address.data(), address.size(), 0);
  return printable_value({address.data(), size > 0 ? static_cast<size_t>(size) : 0});
}

bool StateLock::is_in_place() const {
  struct stat by_name {};
  struct stat held {};
  return ::stat(path_.c_str(), &by_name) == 0 && ::fstat(fd_.get(), &held) == 0 &&
         by_name.st_dev == held.st_dev && by_name.st_ino == held.st_ino;
}

void StateLock::release() {
  fd_.reset();
}

}  // namespace murder::store
