#include "engine/archive/deliver.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <ctime>

#include "engine/archive/bounds.h"
#include "engine/archive/entry_path.h"
#include "engine/archive/file.h"
#include "engine/archive/staging.h"
#include "engine/archive/tree_placement.h"
#include "engine/archive/tree_writer.h"
#include "engine/archive/verify.h"
#include "engine/base/own_file.h"
#include "engine/base/small_file.h"
#include "engine/codec/bounds.h"

namespace murder::archive {

namespace {

// Nobody may open what replaces a private file while it is written.
constexpr mode_t private_mode = 0600;
constexpr mode_t public_mode = 0666;

// What a torrent may hold is known to be deliverable before it is fetched.
static_assert(limits::torrent_path_parts_max <= limits::path_depth_max);
static_assert(limits::torrent_path_bytes_max <= limits::path_bytes_max);

// The mode of the file that is replaced (none: as it was made, by the umask).
Status set_mode(int fd, const struct stat* replaced, bool is_executable) {
  struct stat made {};
  if (::fstat(fd, &made) != 0) {
    return fail_errno(errno, "cannot read its mode");
  }
  mode_t mode = (replaced != nullptr ? replaced->st_mode : made.st_mode) & 0777U;
  if (is_executable) {
    mode |= (mode & 0444U) >> 2U;
  }
  if (mode != (made.st_mode & 0777U) && ::fchmod(fd, mode) != 0) {
    return fail_errno(errno, "cannot set its mode");
  }
  return {};
}

// The target of a link as the link says it: from the directory that it lies in.
std::string relative_target(const codec::FileEntry& link) {
  std::string_view from = link.path;
  std::string_view to = link.symlink_target;
  // The directories that both lie in.
  for (size_t slash = from.find('/');
       slash != std::string_view::npos && from.substr(0, slash + 1) == to.substr(0, slash + 1);
       slash = from.find('/')) {
    from.remove_prefix(slash + 1);
    to.remove_prefix(slash + 1);
  }
  std::string target;
  for (const char character : from) {
    target += character == '/' ? "../" : "";
  }
  target.append(to);
  if (target.ends_with('/')) {
    target.pop_back();  // the root of the tree
  }
  return target.empty() ? "." : target;
}

// The original was verified when it came, and may have changed since: what counts is the copy.
Status check_copy(const codec::Metainfo& metainfo, const std::string& copy,
                  const std::string& original, const CancelFlag* cancel) {
  Observer silent;
  const Result<BitSet> right =
      verify_content(metainfo, copy, {.through_cache = true, .cancel = cancel}, silent);
  if (!right) {
    return fail(right.error());
  }
  if (right->all()) {
    return {};
  }
  return fail(ErrorCode::conflict,
              fmt::format("{} was changed after it was fetched and verified ({} of {} pieces are "
                          "not those of the release): see who writes there, and fetch it again",
                          original, right->size() - right->count(), right->size()));
}

Status check_digest(const ContentDigest& expected, const Result<ContentDigest>& found,
                    const std::string& name) {
  return found ? check_signed_content(expected, *found, name) : Status(fail(found.error()));
}

Status check_size(int fd, uint64_t size_bytes, const std::string& path) {
  const Result<struct stat> status = stat_of(fd, path);
  if (!status) {
    return fail(status.error());
  }
  if (static_cast<uint64_t>(status->st_size) == size_bytes) {
    return {};
  }
  return fail(ErrorCode::conflict,
              fmt::format("{} has {} bytes, {} of the release: it was changed after it was fetched",
                          path, status->st_size, size_bytes));
}

Status deliver_entry(const codec::FileEntry& entry, const std::string& content_directory,
                     const TreeWriter::Attributes& root, TreeWriter& writer) {
  const auto about_entry = [&](const Error& error) {
    return fail(error.code, entry.path + ": " + error.text);
  };
  const Result<std::string> path = safe_entry_path(entry.path);
  if (!path) {
    return about_entry(path.error());
  }
  if (entry.is_symlink) {
    const Status made = writer.make_symlink(*path, relative_target(entry), root);
    return made ? Status() : about_entry(made.error());
  }
  const std::string from_path = join_path(content_directory, entry.path);
  const Result<Fd> from = open_file(from_path, O_RDONLY);
  if (!from) {
    return fail(from.error());
  }
  Result<Fd> to = writer.make_file(*path);
  if (!to) {
    return about_entry(to.error());
  }
  const Result<ContentCopy> copied = copy_content(
      {.from_fd = from->get(), .from_path = from_path, .to_fd = to->get(), .to_path = entry.path});
  if (!copied) {
    return fail(copied.error());
  }
  if (Status right = check_size(to->get(), entry.size_bytes, from_path); !right) {
    return right;
  }
  const mode_t mode = root.mode & (entry.is_executable ? 0777U : 0666U);
  const Status finished = writer.finish_file(to->get(), *path, {.mode = mode, .mtime = root.mtime});
  return finished ? close_file(std::move(*to), entry.path) : Status(about_entry(finished.error()));
}

// Where the file goes, and what is there.
struct FileTarget {
  std::string path;
  std::optional<struct stat> replaced;
};

// Through links, as cp writes, but not through those of other users.
Result<FileTarget> find_target(const DeliverFileOptions& options) {
  const std::string& to = options.to;
  struct stat status {};
  const bool into_directory = ::stat(to.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
  if (!into_directory && (to.empty() || to.back() == '/')) {
    return fail(ErrorCode::not_found, "there is no directory " + to + ": make it first");
  }
  const std::string named = into_directory ? join_path(to, options.name) : to;
  const Result<std::string> behind = follow_own_links(named);
  if (!behind) {
    return fail(behind.error());
  }
  if (::stat(behind->c_str(), &status) != 0) {
    return FileTarget{.path = named, .replaced = std::nullopt};
  }
  if (S_ISDIR(status.st_mode)) {
    return fail(ErrorCode::exists, *behind + " is a directory: a file cannot replace it");
  }
  if (!S_ISREG(status.st_mode)) {
    return fail(ErrorCode::exists, *behind + " is there and is not a file");
  }
  return FileTarget{.path = *behind, .replaced = status};
}

Status fill(Staging& staging, int from_fd, const std::string& target,
            const DeliverFileOptions& options) {
  const Result<ContentCopy> copied = copy_content({.from_fd = from_fd,
                                                   .from_path = options.file_path,
                                                   .to_fd = staging.fd(),
                                                   .to_path = target,
                                                   .cancel = options.cancel});
  if (!copied) {
    return fail(copied.error());
  }
  if (options.metainfo != nullptr) {
    const uint64_t size_bytes = options.metainfo->geometry.total_bytes;
    if (Status right = check_size(staging.fd(), size_bytes, options.file_path); !right) {
      return right;
    }
    if (Status right =
            check_copy(*options.metainfo, staging.path(), options.file_path, options.cancel);
        !right) {
      return right;
    }
  }
  return options.signed_content
             ? check_digest(*options.signed_content,
                            digest_of_file(staging.fd(), options.file_path, options.cancel),
                            options.name)
             : Status();
}

Status place(Staging& staging, const std::string& target, const DeliverFileOptions& options) {
  const bool sync_to_disk = options.sync_to_disk;
  if (sync_to_disk) {
    if (Status synced = sync_file(staging.fd(), target); !synced) {
      return synced;
    }
  }
  if (options.observer != nullptr) {
    if (Status allowed = options.observer->may_place(); !allowed) {
      return allowed;
    }
  }
  if (Status renamed = staging.rename_to(target); !renamed) {
    return renamed;
  }
  return sync_to_disk ? sync_directory(split_path(target).parent) : Status();
}

}  // namespace

Result<std::string> deliver_file(const DeliverFileOptions& options) {
  const Result<Fd> file = open_file(options.file_path, O_RDONLY);
  if (!file) {
    return fail(file.error());
  }
  const Result<struct stat> source = stat_of(file->get(), options.file_path);
  if (!source) {
    return fail(source.error());
  }
  const Result<FileTarget> target = find_target(options);
  if (!target) {
    return fail(target.error());
  }
  const struct stat* replaced = target->replaced ? &*target->replaced : nullptr;
  const bool is_itself = replaced != nullptr && replaced->st_dev == source->st_dev &&
                         replaced->st_ino == source->st_ino;
  if (is_itself && !options.signed_content) {
    return target->path;  // it lies there already
  }
  const PathParts parts = split_path(target->path);
  remove_leftovers(parts.parent, parts.name);
  Result<Staging> staging = Staging::make(parts.parent, parts.name, Staging::Kind::file,
                                          replaced != nullptr ? private_mode : public_mode);
  if (!staging) {
    return fail(staging.error());
  }
  if (Status filled = fill(*staging, file->get(), target->path, options); !filled) {
    return fail(filled.error());
  }
  if (Status set = set_mode(staging->fd(), replaced, options.is_executable); !set) {
    return fail(set.error().code, target->path + ": " + set.error().text);
  }
  if (options.owner && ::fchown(staging->fd(), options.owner->user, options.owner->group) != 0) {
    return fail_errno(errno, "cannot set the owner of " + target->path);
  }
  if (Status placed = place(*staging, target->path, options); !placed) {
    return fail(placed.error());
  }
  return target->path;
}

Result<std::string> deliver_tree(const codec::Metainfo& metainfo, const DeliverTreeOptions& options,
                                 Observer& observer) {
  Result<TreePlacement> placement = TreePlacement::prepare({.directory = options.directory,
                                                            .tag = options.tag,
                                                            .replace = options.replace,
                                                            .sync_to_disk = options.sync_to_disk});
  if (!placement) {
    return fail(placement.error());
  }
  TreeWriter writer(placement->fd(), {.owner = options.owner});
  const TreeWriter::Attributes root{.mode = placement->default_mode(),
                                    .mtime = {.seconds = ::time(nullptr)}};
  if (Status made = writer.make_directory("", root); !made) {
    return fail(made.error());
  }
  uint64_t bytes_done = 0;
  for (const codec::FileEntry& entry : metainfo.files) {
    if (entry.is_padding) {
      continue;
    }
    if (options.cancel != nullptr && options.cancel->is_set()) {
      return fail(ErrorCode::interrupted, "stopped while copying to " + placement->target());
    }
    observer.progress({.bytes_done = bytes_done,
                       .bytes_total = metainfo.geometry.total_bytes,
                       .path = entry.path});
    if (Status delivered = deliver_entry(entry, options.content_directory, root, writer);
        !delivered) {
      return fail(delivered.error());
    }
    bytes_done += entry.size_bytes;
  }
  if (Status right =
          check_copy(metainfo, placement->path(), options.content_directory, options.cancel);
      !right) {
    return fail(right.error());
  }
  if (options.signed_content) {
    if (Status right = check_digest(*options.signed_content,
                                    digest_of_content(metainfo, placement->path(), options.cancel),
                                    placement->target());
        !right) {
      return fail(right.error());
    }
  }
  if (Status finished = writer.finish(); !finished) {
    return fail(finished.error());
  }
  if (Status committed = placement->commit(observer); !committed) {
    return fail(committed.error());
  }
  return placement->target();
}

}  // namespace murder::archive
