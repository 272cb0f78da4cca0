#include "engine/archive/tree_writer.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace murder::archive {

namespace {

std::array<struct timespec, 2> times_of(int64_t mtime_s) {
  return {{{.tv_sec = 0, .tv_nsec = UTIME_OMIT}, {.tv_sec = mtime_s, .tv_nsec = 0}}};
}

// What a walk without following links runs into.
Status entering_failed(int error_number) {
  if (error_number == ENOTDIR || error_number == ELOOP) {
    return fail(ErrorCode::invalid_input,
                "the name leads through a link or a file, possibly out of the target");
  }
  return fail_errno(error_number, "cannot reach the directory it lies in");
}

bool is_directory(const DirectoryCursor::Place& place) {
  struct stat status {};
  return ::fstatat(place.directory_fd, place.name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
         S_ISDIR(status.st_mode);
}

}  // namespace

Status TreeWriter::make_directory(const std::string& path, const Attributes& attributes) {
  if (!path.empty()) {
    DirectoryCursor::Place place;
    if (Status entered = enter_parent(path, &place); !entered) {
      return entered;
    }
    if (::mkdirat(place.directory_fd, place.name, 0700) != 0) {
      if (errno != EEXIST) {
        return fail_errno(errno, "cannot make the directory");
      }
      if (!is_directory(place)) {
        return fail(ErrorCode::invalid_input, "a directory would replace a file or link");
      }
    }
  }
  directories_[path] = attributes;
  return {};
}

Result<FileDescriptor> TreeWriter::make_file(const std::string& path) {
  DirectoryCursor::Place place;
  if (Status entered = enter_parent(path, &place); !entered) {
    return fail(entered.error());
  }
  constexpr int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
  FileDescriptor file(::openat(place.directory_fd, place.name, flags, 0600));
  if (!file.is_open() && errno == EEXIST) {
    if (Status cleared = clear(place); !cleared) {
      return fail(cleared.error());
    }
    file = FileDescriptor(::openat(place.directory_fd, place.name, flags, 0600));
  }
  if (!file.is_open()) {
    return fail_errno(errno, "cannot make the file");
  }
  return file;
}

Status TreeWriter::finish_file(int fd, const Attributes& attributes) {
  if (::fchmod(fd, attributes.mode & 07777U) != 0) {
    return fail_errno(errno, "cannot set its mode");
  }
  if (::futimens(fd, times_of(attributes.mtime_s).data()) != 0) {
    return fail_errno(errno, "cannot set its time");
  }
  return {};
}

Status TreeWriter::make_symlink(const std::string& path, const std::string& target,
                                int64_t mtime_s) {
  DirectoryCursor::Place place;
  if (Status entered = enter_parent(path, &place); !entered) {
    return entered;
  }
  int made = ::symlinkat(target.c_str(), place.directory_fd, place.name);
  if (made != 0 && errno == EEXIST) {
    if (Status cleared = clear(place); !cleared) {
      return cleared;
    }
    made = ::symlinkat(target.c_str(), place.directory_fd, place.name);
  }
  if (made != 0) {
    return fail_errno(errno, "cannot make the symbolic link");
  }
  if (::utimensat(place.directory_fd, place.name, times_of(mtime_s).data(), AT_SYMLINK_NOFOLLOW) !=
          0 &&
      errno != EOPNOTSUPP) {
    return fail_errno(errno, "cannot set the time of the symbolic link");
  }
  return {};
}

Status TreeWriter::make_hard_link(const std::string& path, const std::string& target) {
  DirectoryCursor::Place from;
  if (const int error_number = link_cursor_.enter_parent(target, &from); error_number != 0) {
    return entering_failed(error_number);
  }
  DirectoryCursor::Place to;
  if (Status entered = enter_parent(path, &to); !entered) {
    return entered;
  }
  int made = ::linkat(from.directory_fd, from.name, to.directory_fd, to.name, 0);
  if (made != 0 && errno == EEXIST) {
    if (Status cleared = clear(to); !cleared) {
      return cleared;
    }
    made = ::linkat(from.directory_fd, from.name, to.directory_fd, to.name, 0);
  }
  if (made != 0) {
    return fail_errno(errno, "cannot make the hard link to " + target);
  }
  return {};
}

Status TreeWriter::finish() {
  // Backwards, "a/b" comes before "a": a directory without permission hides nothing still to be
  // done.
  for (auto item = directories_.rbegin(); item != directories_.rend(); ++item) {
    const auto& [path, attributes] = *item;
    if (path.empty()) {
      continue;
    }
    DirectoryCursor::Place place;
    if (const int error_number = cursor_.enter_parent(path, &place); error_number != 0) {
      return fail_errno(error_number, "cannot reach the directory " + path);
    }
    const FileDescriptor directory(
        ::openat(place.directory_fd, place.name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!directory.is_open()) {
      return fail_errno(errno, "cannot open the directory " + path);
    }
    if (Status finished = finish_file(directory.get(), attributes); !finished) {
      return fail(finished.error().code, path + ": " + finished.error().text);
    }
  }
  const auto root = directories_.find("");
  return root == directories_.end() ? Status{} : finish_file(root_fd_, root->second);
}

Status TreeWriter::enter_parent(const std::string& path, DirectoryCursor::Place* ret_place) {
  if (path.empty()) {
    return fail(ErrorCode::invalid_input, "the name is that of the target itself");
  }
  int error_number = cursor_.enter_parent(path, ret_place);
  if (error_number == ENOENT) {
    if (Status made = make_parents(path); !made) {
      return made;
    }
    error_number = cursor_.enter_parent(path, ret_place);
  }
  return error_number == 0 ? Status{} : entering_failed(error_number);
}

Status TreeWriter::make_parents(const std::string& path) {
  for (size_t slash = path.find('/'); slash != std::string::npos;
       slash = path.find('/', slash + 1)) {
    const std::string parent = path.substr(0, slash);
    DirectoryCursor::Place place;
    if (const int error_number = cursor_.enter_parent(parent, &place); error_number != 0) {
      return entering_failed(error_number);
    }
    if (::mkdirat(place.directory_fd, place.name, 0777) != 0 && errno != EEXIST) {
      return fail_errno(errno, "cannot make the directory " + parent);
    }
  }
  return {};
}

Status TreeWriter::clear(const DirectoryCursor::Place& place) {
  if (is_directory(place)) {
    return fail(ErrorCode::invalid_input, "it would replace a directory");
  }
  if (::unlinkat(place.directory_fd, place.name, 0) != 0) {
    return fail_errno(errno, "cannot replace what has its name");
  }
  return {};
}

}  // namespace murder::archive
