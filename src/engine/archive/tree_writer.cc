#include "engine/archive/tree_writer.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <deque>
#include <string_view>

#include "engine/archive/bounds.h"
#include "engine/archive/name_parts.h"
#include "engine/base/missing_inodes.h"

namespace murder::archive {

namespace {

std::array<struct timespec, 2> times_of(const FileTime& mtime) {
  return {{{.tv_sec = 0, .tv_nsec = UTIME_OMIT},
           {.tv_sec = mtime.seconds, .tv_nsec = static_cast<long>(mtime.nanoseconds)}}};
}

// What a walk without following links runs into.
Status entering_failed(int error_number) {
  if (error_number == ENOTDIR || error_number == ELOOP) {
    return fail(ErrorCode::invalid_input, "the name leads through a file");
  }
  return fail_errno(error_number, "cannot reach the directory it lies in");
}

bool is_same_file(const DirectoryCursor::Place& left, const DirectoryCursor::Place& right) {
  struct stat one {};
  struct stat other {};
  return ::fstatat(left.directory_fd, left.name, &one, AT_SYMLINK_NOFOLLOW) == 0 &&
         ::fstatat(right.directory_fd, right.name, &other, AT_SYMLINK_NOFOLLOW) == 0 &&
         one.st_dev == other.st_dev && one.st_ino == other.st_ino;
}

}  // namespace

TreeWriter::TreeWriter(int root_fd, const Options& options)
    : root_fd_(root_fd), options_(options), cursor_(root_fd), link_cursor_(root_fd) {
  struct stat status {};
  if (::fstat(root_fd, &status) == 0) {
    inherited_mode_ = status.st_mode & S_ISGID;
  }
}

Status TreeWriter::make_directory(const std::string& path, const Attributes& attributes) {
  if (path.empty()) {
    return keep_for_the_end(path, attributes);
  }
  Spot spot;
  if (Status entered = enter(cursor_, path, true, &spot); !entered) {
    return entered;
  }
  const DirectoryCursor::Place& place = spot.place;
  int made = ::mkdirat(place.directory_fd, place.name, 0700);
  if (made != 0 && errno == EEXIST) {
    struct stat status {};
    if (::fstatat(place.directory_fd, place.name, &status, AT_SYMLINK_NOFOLLOW) != 0) {
      return fail_errno(errno, "cannot look at what has its name");
    }
    if (S_ISDIR(status.st_mode)) {
      made = 0;
    } else {
      if (Status cleared = clear(spot); !cleared) {
        return cleared;
      }
      made = ::mkdirat(place.directory_fd, place.name, 0700);
    }
  }
  if (made != 0) {
    return fail_making(errno, root_fd_, "cannot make the directory");
  }
  return keep_for_the_end(spot.path, attributes);
}

Status TreeWriter::keep_for_the_end(const std::string& path, const Attributes& attributes) {
  Attributes& kept = directories_[path];
  kept = attributes;
  if (!options_.keep_attributes) {
    attribute_counts_.left_out += kept.extended.size();
    kept.extended = {};
  }
  for (const ExtendedAttribute& attribute : kept.extended) {
    directory_attributes_bytes_ += attribute.size_bytes();
  }
  if (directory_attributes_bytes_ > limits::directory_attributes_bytes_max) {
    return fail(ErrorCode::limit,
                fmt::format("directories have more than {} bytes of extended attributes",
                            limits::directory_attributes_bytes_max));
  }
  return {};
}

Result<Fd> TreeWriter::make_file(const std::string& path) {
  Spot spot;
  if (Status entered = enter(cursor_, path, true, &spot); !entered) {
    return fail(entered.error());
  }
  constexpr int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
  Fd file(::openat(spot.place.directory_fd, spot.place.name, flags, 0600));
  if (!file.is_open() && errno == EEXIST) {
    if (Status cleared = clear(spot); !cleared) {
      return fail(cleared.error());
    }
    file = Fd(::openat(spot.place.directory_fd, spot.place.name, flags, 0600));
  }
  if (!file.is_open()) {
    return fail_making(errno, root_fd_, "cannot make the file");
  }
  return file;
}

Status TreeWriter::finish_file(int fd, const std::string& path, const Attributes& attributes) {
  return finish_open(fd, path, attributes, false);
}

Status TreeWriter::finish_open(int fd, const std::string& path, const Attributes& attributes,
                               bool is_directory) {
  // In this order: a new owner takes set-id bits and capabilities away.
  if (options_.owner && ::fchown(fd, options_.owner->user, options_.owner->group) != 0) {
    return fail_errno(errno, "cannot set its owner");
  }
  mode_t mode = attributes.mode & 07777U;
  if (!options_.keep_set_id) {
    mode &= ~static_cast<mode_t>(S_ISUID | S_ISGID);
  }
  if (::fchmod(fd, mode | (is_directory ? inherited_mode_ : 0)) != 0) {
    return fail_errno(errno, "cannot set its mode");
  }
  set_attributes(fd, "", path, attributes);
  if (::futimens(fd, times_of(attributes.mtime).data()) != 0) {
    return fail_errno(errno, "cannot set its time");
  }
  return {};
}

void TreeWriter::set_attributes(int fd, const std::string& link, const std::string& path,
                                const Attributes& attributes) {
  if (!options_.keep_attributes) {
    attribute_counts_.left_out += attributes.extended.size();
    return;
  }
  for (const ExtendedAttribute& attribute : attributes.extended) {
    int error_number = ENOTSUP;
    if (is_portable_attribute(attribute.name)) {
      const char* name = attribute.name.c_str();
      const std::string& value = attribute.value;
      const int set = fd >= 0 ? ::fsetxattr(fd, name, value.data(), value.size(), 0)
                              : ::lsetxattr(link.c_str(), name, value.data(), value.size(), 0);
      error_number = set == 0 ? 0 : errno;
    }
    if (error_number != 0 && ++attribute_counts_.failed == 1) {
      attribute_counts_.first_failure =
          fail_errno(error_number, fmt::format("{} of {}", attribute.name, path.substr(0, 300)))
              .value()
              .text;
    }
  }
}

Status TreeWriter::make_symlink(const std::string& path, const std::string& target,
                                const Attributes& attributes) {
  Spot spot;
  if (Status entered = enter(cursor_, path, true, &spot); !entered) {
    return entered;
  }
  const DirectoryCursor::Place& place = spot.place;
  int made = ::symlinkat(target.c_str(), place.directory_fd, place.name);
  if (made != 0 && errno == EEXIST) {
    if (Status cleared = clear(spot); !cleared) {
      return cleared;
    }
    made = ::symlinkat(target.c_str(), place.directory_fd, place.name);
  }
  if (made != 0) {
    return fail_making(errno, root_fd_, "cannot make the symbolic link");
  }
  if (options_.owner && ::fchownat(place.directory_fd, place.name, options_.owner->user,
                                   options_.owner->group, AT_SYMLINK_NOFOLLOW) != 0) {
    return fail_errno(errno, "cannot set the owner of the symbolic link");
  }
  if (!attributes.extended.empty()) {
    set_attributes(-1, fmt::format("/proc/self/fd/{}/{}", place.directory_fd, place.name), path,
                   attributes);
  }
  if (::utimensat(place.directory_fd, place.name, times_of(attributes.mtime).data(),
                  AT_SYMLINK_NOFOLLOW) != 0 &&
      errno != EOPNOTSUPP) {
    return fail_errno(errno, "cannot set the time of the symbolic link");
  }
  return {};
}

Status TreeWriter::make_hard_link(const std::string& path, const std::string& target) {
  Spot from;
  if (Status entered = enter(link_cursor_, target, false, &from); !entered) {
    return fail(entered.error().code, "its target: " + entered.error().text);
  }
  Spot to;
  if (Status entered = enter(cursor_, path, true, &to); !entered) {
    return entered;
  }
  const auto link = [&from, &to] {
    return ::linkat(from.place.directory_fd, from.place.name, to.place.directory_fd, to.place.name,
                    0);
  };
  int made = link();
  if (made != 0 && errno == EEXIST) {
    // An archive names a file twice when whoever made it did.
    if (is_same_file(from.place, to.place)) {
      struct stat status {};
      if (::fstatat(to.place.directory_fd, to.place.name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
          !S_ISDIR(status.st_mode)) {
        return {};
      }
      return fail(ErrorCode::invalid_input, "it is a hard link to a directory");
    }
    if (Status cleared = clear(to); !cleared) {
      return cleared;
    }
    if (Status entered = enter(link_cursor_, target, false, &from); !entered) {
      return entered;
    }
    made = link();
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
    const Fd directory(
        ::openat(place.directory_fd, place.name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!directory.is_open()) {
      return fail_errno(errno, "cannot open the directory " + path);
    }
    if (Status finished = finish_open(directory.get(), path, attributes, true); !finished) {
      return fail(finished.error().code, path + ": " + finished.error().text);
    }
  }
  const auto root = directories_.find("");
  return root == directories_.end() ? Status{} : finish_open(root_fd_, ".", root->second, true);
}

Status TreeWriter::enter(DirectoryCursor& cursor, const std::string& path, bool makes_parents,
                         Spot* ret_spot) {
  if (path.empty()) {
    return fail(ErrorCode::invalid_input, "the name is that of the target itself");
  }
  ret_spot->path = path;
  int error_number = cursor.enter_parent(ret_spot->path, &ret_spot->place);
  if (error_number == ENOTDIR || error_number == ELOOP) {
    Result<std::string> plain = without_links(cursor, path);
    if (!plain) {
      return fail(plain.error());
    }
    ret_spot->path = std::move(*plain);
    error_number = cursor.enter_parent(ret_spot->path, &ret_spot->place);
  }
  if (error_number == ENOENT && makes_parents) {
    if (Status made = make_parents(ret_spot->path); !made) {
      return made;
    }
    error_number = cursor.enter_parent(ret_spot->path, &ret_spot->place);
  }
  return error_number == 0 ? Status{} : entering_failed(error_number);
}

Result<std::string> TreeWriter::without_links(DirectoryCursor& cursor, const std::string& path) {
  const size_t slash = path.rfind('/');
  std::deque<std::string> parts;
  static_cast<void>(put_parts_in_front(path.substr(0, slash), parts));  // a path of the tree
  size_t own_parts = parts.size();  // at the end of `parts`; before them are those of a link
  std::string reached;
  uint32_t links_followed = 0;
  while (!parts.empty()) {
    const bool is_of_link = parts.size() > own_parts;
    const std::string part = std::move(parts.front());
    parts.pop_front();
    own_parts = std::min(own_parts, parts.size());
    std::string next = reached.empty() ? part : fmt::format("{}/{}", reached, part);
    DirectoryCursor::Place place;
    if (const int error_number = cursor.enter_parent(next, &place); error_number != 0) {
      return fail(entering_failed(error_number).error());
    }
    struct stat status {};
    if (::fstatat(place.directory_fd, place.name, &status, AT_SYMLINK_NOFOLLOW) != 0) {
      if (errno != ENOENT) {
        return fail_errno(errno, "cannot look at " + next);
      }
      if (is_of_link) {
        return fail(ErrorCode::invalid_input, "the name leads through a symbolic link to nothing");
      }
      // The rest is still to be made.
      reached = std::move(next);
      for (const std::string& rest : parts) {
        reached += "/" + rest;
      }
      break;
    }
    if (!S_ISLNK(status.st_mode)) {
      reached = std::move(next);
      continue;
    }
    std::string target(PATH_MAX, '\0');
    const ssize_t length =
        ::readlinkat(place.directory_fd, place.name, target.data(), target.size());
    if (length < 0) {
      return fail_errno(errno, "cannot read the link " + next);
    }
    target.resize(static_cast<size_t>(length));
    if (++links_followed > limits::links_followed_max || !put_parts_in_front(target, parts)) {
      return fail(ErrorCode::invalid_input,
                  fmt::format("the name leads through the symbolic link {} -> {}, possibly out of "
                              "the target",
                              next.substr(0, 300), target.substr(0, 300)));
    }
  }
  return reached.empty() ? path.substr(slash + 1) : reached + path.substr(slash);
}

Status TreeWriter::make_parents(const std::string& path) {
  for (size_t slash = path.find('/'); slash != std::string::npos;
       slash = path.find('/', slash + 1)) {
    const std::string parent = path.substr(0, slash);
    DirectoryCursor::Place place;
    if (const int error_number = cursor_.enter_parent(parent, &place); error_number != 0) {
      return entering_failed(error_number);
    }
    if (::mkdirat(place.directory_fd, place.name, 0777) != 0) {
      if (errno != EEXIST) {
        return fail_making(errno, root_fd_, "cannot make the directory " + parent);
      }
    } else if (options_.owner && ::fchownat(place.directory_fd, place.name, options_.owner->user,
                                            options_.owner->group, AT_SYMLINK_NOFOLLOW) != 0) {
      return fail_errno(errno, "cannot set the owner of the directory " + parent);
    }
  }
  return {};
}

Status TreeWriter::clear(const Spot& spot) {
  struct stat status {};
  const DirectoryCursor::Place& place = spot.place;
  const bool is_directory =
      ::fstatat(place.directory_fd, place.name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
      S_ISDIR(status.st_mode);
  const int removed = ::unlinkat(place.directory_fd, place.name, is_directory ? AT_REMOVEDIR : 0);
  if (removed != 0 && is_directory && (errno == ENOTEMPTY || errno == EEXIST)) {
    return fail(ErrorCode::invalid_input, "it would replace a directory that is not empty");
  }
  if (removed != 0) {
    return fail_errno(errno, "cannot replace what has its name");
  }
  if (is_directory) {
    directories_.erase(spot.path);
    link_cursor_.forget();
  }
  return {};
}

}  // namespace murder::archive
