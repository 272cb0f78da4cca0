#include "engine/archive/tree_removal.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string_view>
#include <vector>

#include "engine/archive/directory_cursor.h"
#include "engine/archive/file.h"

namespace murder::archive {

namespace {

// Removes all below an open directory: first whatever is not a directory, noting directories on the
// way down; then these, the deepest first.
class Removal {
 public:
  Removal(int root_fd, const std::string& root_path) : root_path_(root_path), cursor_(root_fd) {}

  Status run(const std::string& except) {
    if (Status emptied = empty("", except); !emptied) {
      return emptied;
    }
    // Each directory is listed once, after the one it lies in.
    for (size_t index = 0; index < directories_.size(); ++index) {
      if (Status emptied = empty(std::string(directories_[index]), ""); !emptied) {
        return emptied;
      }
    }
    while (!directories_.empty()) {
      DirectoryCursor::Place place;
      const std::string path = std::move(directories_.back());
      directories_.pop_back();
      int error_number = cursor_.enter_parent(path, &place);
      if (error_number == 0 && ::unlinkat(place.directory_fd, place.name, AT_REMOVEDIR) != 0) {
        error_number = errno;
      }
      if (error_number != 0 && error_number != ENOENT) {
        return fail_errno(error_number, "cannot remove " + join_path(root_path_, path));
      }
    }
    return {};
  }

 private:
  // A directory that may be listed, entered and changed, as far as it is ours.
  int open_listable(const std::string& path, Fd* ret_directory) {
    DirectoryCursor::Place place;
    Fd directory;
    if (path.empty()) {
      int root_fd = -1;
      if (const int error_number = cursor_.enter("", &root_fd); error_number != 0) {
        return error_number;
      }
      directory = Fd(::openat(root_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    } else {
      if (const int error_number = cursor_.enter_parent(path, &place); error_number != 0) {
        return error_number;
      }
      constexpr int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
      directory = Fd(::openat(place.directory_fd, place.name, flags));
      if (!directory.is_open() && errno == EACCES &&
          ::fchmodat(place.directory_fd, place.name, 0700, 0) == 0) {
        directory = Fd(::openat(place.directory_fd, place.name, flags));
      }
    }
    if (!directory.is_open()) {
      return errno;
    }
    struct stat status {};
    if (::fstat(directory.get(), &status) == 0 && (status.st_mode & 0700U) != 0700U) {
      ::fchmod(directory.get(), 0700);
    }
    *ret_directory = std::move(directory);
    return 0;
  }

  Status empty(const std::string& path, const std::string& except) {
    Fd listed;
    if (const int error_number = open_listable(path, &listed); error_number != 0) {
      return fail_errno(error_number, "cannot list " + join_path(root_path_, path));
    }
    std::vector<std::string> names;
    const int list_fd = ::fcntl(listed.get(), F_DUPFD_CLOEXEC, 0);
    DIR* directory = ::fdopendir(list_fd);
    if (directory == nullptr) {
      return fail_errno(errno, "cannot list " + join_path(root_path_, path));
    }
    while (const struct dirent* item = ::readdir(directory)) {
      const std::string_view name = item->d_name;
      if (name != "." && name != ".." && (except.empty() || name != except)) {
        names.emplace_back(name);
      }
    }
    ::closedir(directory);
    for (const std::string& name : names) {
      std::string child = path;
      child += path.empty() ? "" : "/";
      child += name;
      if (::unlinkat(listed.get(), name.c_str(), 0) == 0 || errno == ENOENT) {
        continue;
      }
      const int error_number = errno;
      struct stat status {};
      if (::fstatat(listed.get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0 &&
          S_ISDIR(status.st_mode)) {
        directories_.push_back(std::move(child));
        continue;
      }
      return fail_errno(error_number, "cannot remove " + join_path(root_path_, child));
    }
    return {};
  }

  const std::string& root_path_;
  DirectoryCursor cursor_;
  std::vector<std::string> directories_;  // below the root
};

}  // namespace

Status remove_tree(const std::string& path) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0) {
    return errno == ENOENT ? Status{} : Status{fail_errno(errno, "cannot look at " + path)};
  }
  if (S_ISDIR(status.st_mode)) {
    if ((status.st_mode & 0700U) != 0700U) {
      ::chmod(path.c_str(), 0700);
    }
    if (Status removed = remove_entries(path, ""); !removed) {
      return removed;
    }
    if (::rmdir(path.c_str()) == 0) {
      return {};
    }
  } else if (::unlink(path.c_str()) == 0) {
    return {};
  }
  return fail_errno(errno, "cannot remove " + path);
}

Status remove_entries(const std::string& path, const std::string& except) {
  const Result<Fd> root = open_file(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  if (!root) {
    return fail(root.error());
  }
  return Removal(root->get(), path).run(except);
}

}  // namespace murder::archive
