#include "engine/archive/tree_placement.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "engine/archive/tree_removal.h"
#include "engine/base/small_file.h"
#include "engine/base/tag.h"

namespace murder::archive {

namespace {

enum class Found : uint8_t { nothing, empty_directory, directory, other };

Result<std::vector<std::string>> list(const std::string& path) {
  DIR* directory = ::opendir(path.c_str());
  if (directory == nullptr) {
    return fail_errno(errno, "cannot list " + path);
  }
  std::vector<std::string> names;
  while (const struct dirent* item = ::readdir(directory)) {
    const std::string_view name = item->d_name;
    if (name != "." && name != "..") {
      names.emplace_back(name);
    }
  }
  ::closedir(directory);
  return names;
}

// Leftovers of killed runs for `name` inside do not count.
Result<Found> look_at(const std::string& path, const std::string& name) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0) {
    if (errno == ENOENT) {
      return Found::nothing;
    }
    return fail_errno(errno, "cannot look at " + path);
  }
  if (!S_ISDIR(status.st_mode)) {
    return Found::other;
  }
  const Result<std::vector<std::string>> names = list(path);
  if (!names) {
    return fail(names.error());
  }
  for (const std::string& entry : *names) {
    if (!is_staging_name(entry, name)) {
      return Found::directory;
    }
  }
  return Found::empty_directory;
}

// Something is mounted here: it can be neither renamed nor replaced.
bool is_mount_root(const std::string& path) {
  struct statx status {};
  return ::statx(AT_FDCWD, path.c_str(), AT_SYMLINK_NOFOLLOW, STATX_TYPE, &status) == 0 &&
         (status.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
}

std::string resolved(const std::string& path) {
  char* text = ::realpath(path.c_str(), nullptr);
  std::string result = text == nullptr ? path : text;
  std::free(text);
  return result;
}

std::string staging_name_of(const std::string& target) {
  const std::string name = split_path(target).name;
  return name.empty() ? "root" : name;
}

tl::unexpected<Error> is_taken(const std::string& target) {
  return fail(ErrorCode::exists,
              fmt::format("{} is there and not empty: remove it, or have it replaced with "
                          "--unsafe-please-delete",
                          target));
}

}  // namespace

TreePlacement::TreePlacement(const PlacementOptions& options, std::string target)
    : options_(options), target_(std::move(target)) {}

Result<TreePlacement> TreePlacement::prepare(const PlacementOptions& options) {
  std::string target = join_path(options.directory, options.tag);
  if (!options.tag.empty()) {
    if (Status valid = validate_tag(options.tag); !valid) {
      return fail(valid.error());
    }
  } else {
    const std::string last = split_path(target).name;
    struct stat status {};
    if (last.empty() || last == "." || last == ".." ||
        (::stat(target.c_str(), &status) == 0 && S_ISDIR(status.st_mode))) {
      target = resolved(target);
    }
  }
  const PathParts parts = split_path(target);
  if (Status made = make_directories(parts.parent, options.sync_to_disk); !made) {
    return fail(made.error());
  }
  TreePlacement placement(options, join_path(parts.parent, parts.name));
  if (Status made = placement.make_staging(); !made) {
    return fail(made.error());
  }
  return placement;
}

Status TreePlacement::make_staging() {
  const std::string name = staging_name_of(target_);
  const Result<Found> found = look_at(target_, name);
  if (!found) {
    return fail(found.error());
  }
  if ((*found == Found::directory || *found == Found::other) && !options_.replace) {
    return is_taken(target_);
  }
  const bool is_directory = *found == Found::directory || *found == Found::empty_directory;
  const std::string parent = split_path(target_).parent;
  is_inside_ = is_directory && is_mount_root(target_);
  if (!is_inside_) {
    remove_leftovers(parent, name);
    Result<Staging> staging = Staging::make(parent, name, Staging::Kind::directory);
    if (staging) {
      staging_.emplace(std::move(*staging));
      return {};
    }
    is_inside_ = is_directory && staging.error().code == ErrorCode::permission;
    if (!is_inside_) {
      return fail(staging.error());
    }
  }
  remove_leftovers(target_, name);
  Result<Staging> staging = Staging::make(target_, name, Staging::Kind::directory);
  if (!staging) {
    return fail(staging.error());
  }
  staging_.emplace(std::move(*staging));
  return {};
}

Status TreePlacement::commit(Observer& observer) {
  if (options_.sync_to_disk) {
    if (Status synced = sync_file_system(staging_->fd(), "all of " + target_); !synced) {
      return synced;
    }
  }
  if (Status allowed = observer.may_place(); !allowed) {
    return allowed;
  }
  if (is_inside_) {
    observer.warning(
        fmt::format("{} cannot be replaced in one step (a mount point, or its parent is not "
                    "writable): its entries are moved one by one",
                    target_));
    return move_entries();
  }
  const Result<Found> found = look_at(target_, staging_name_of(target_));
  if (!found) {
    return fail(found.error());
  }
  const bool is_there = *found == Found::directory || *found == Found::other;
  if (is_there && !options_.replace) {
    return is_taken(target_);
  }
  observer.placing(staging_->fd());
  if (is_there) {
    return exchange(observer);
  }
  if (Status renamed = staging_->rename_to(target_); !renamed) {
    // rename(2) refuses when something has appeared there since, as another peer's release does.
    const Result<Found> since = look_at(target_, staging_name_of(target_));
    if (!since || (*since != Found::directory && *since != Found::other)) {
      return renamed;
    }
    return options_.replace ? exchange(observer) : is_taken(target_);
  }
  return sync_name();
}

Status TreePlacement::sync_name() {
  return options_.sync_to_disk ? sync_directory(split_path(target_).parent) : Status();
}

Status TreePlacement::exchange(Observer& observer) {
  if (Status exchanged = staging_->exchange_with(target_); !exchanged) {
    return exchanged.error().code == ErrorCode::unsupported ? replace_in_two_steps(observer)
                                                            : exchanged;
  }
  // Before anything of the old tree is removed.
  if (Status synced = sync_name(); !synced) {
    return synced;
  }
  const std::string old_path = staging_->path();
  if (Status removed = staging_->discard(); !removed) {
    observer.warning(fmt::format("{} is in place, but what was there before is left as {}: {}",
                                 target_, old_path, removed.error().text));
  }
  return {};
}

Status TreePlacement::replace_in_two_steps(Observer& observer) {
  observer.warning(
      fmt::format("{} cannot be replaced in one step (on overlayfs a directory of a lower layer "
                  "cannot be renamed): what was there is removed first",
                  target_));
  if (Status removed = remove_tree(target_); !removed) {
    return removed;
  }
  if (Status renamed = staging_->rename_to(target_); !renamed) {
    return renamed;
  }
  return sync_name();
}

Status TreePlacement::move_entries() {
  const std::string staging_name = split_path(staging_->path()).name;
  if (options_.replace) {
    if (Status removed = remove_entries(target_, staging_name); !removed) {
      return removed;
    }
  }
  const Result<std::vector<std::string>> names = list(staging_->path());
  if (!names) {
    return fail(names.error());
  }
  for (const std::string& name : *names) {
    const std::string from = join_path(staging_->path(), name);
    const std::string to = join_path(target_, name);
    if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0) {
      continue;
    }
    int error_number = errno;
    // A directory that moves to another parent must be writable, unless we are root.
    struct stat status {};
    if (error_number == EACCES && ::lstat(from.c_str(), &status) == 0 && S_ISDIR(status.st_mode) &&
        ::chmod(from.c_str(), 0700) == 0) {
      error_number = ::rename(from.c_str(), to.c_str()) == 0 ? 0 : errno;
      ::chmod(error_number == 0 ? to.c_str() : from.c_str(), status.st_mode & 07777U);
    }
    if (error_number == EINVAL || error_number == ENOSYS) {
      error_number = ::rename(from.c_str(), to.c_str()) == 0 ? 0 : errno;
    }
    if (error_number != 0) {
      return fail_errno(error_number, "cannot put it in place as " + to);
    }
  }
  if (options_.sync_to_disk) {
    if (Status synced = sync_file_system(staging_->fd(), "all of " + target_); !synced) {
      return synced;
    }
  }
  return staging_->discard();
}

Status sync_placed(const std::string& path) {
  const Result<Fd> placed = open_file(path, O_RDONLY | O_NONBLOCK);
  if (!placed) {
    return fail(placed.error());
  }
  if (Status synced = sync_file_system(placed->get(), "all of " + path); !synced) {
    return synced;
  }
  return sync_directory(split_path(path).parent);
}

}  // namespace murder::archive
