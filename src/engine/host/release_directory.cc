#include "engine/host/release_directory.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>

#include "engine/archive/staging.h"
#include "engine/archive/tree_removal.h"
#include "engine/base/missing_inodes.h"
#include "engine/base/small_file.h"
#include "engine/base/tag.h"

namespace murder::host {
namespace {

constexpr size_t record_bytes_max = 1024 * 1024;
constexpr Duration lock_wait_max = std::chrono::seconds(20);

SmallFile record_file(int directory_fd, const std::string& directory, bool sync_to_disk = true) {
  return {.directory_fd = directory_fd,
          .directory = directory,
          .name = std::string(release_record_name),
          .mode = 0644,
          .sync_to_disk = sync_to_disk};
}

Result<ReleaseRecord> read_record_at(int directory_fd, const std::string& directory) {
  const SmallFile file = record_file(directory_fd, directory);
  const Result<std::string> text = read_small_file(file, record_bytes_max);
  if (!text) {
    return text.error().code == ErrorCode::not_found ? Result<ReleaseRecord>(ReleaseRecord{})
                                                     : fail(text.error());
  }
  const Result<Json> json = parse_json(*text);
  Result<ReleaseRecord> record =
      json ? record_of(*json) : Result<ReleaseRecord>(fail(json.error()));
  if (!record) {
    return fail(ErrorCode::io, fmt::format("{} is damaged ({}): move it away to start a new record",
                                           file.path(), record.error().text));
  }
  return record;
}

}  // namespace

Result<ReleaseDirectory> ReleaseDirectory::open(const std::string& path,
                                                const ReleaseDirectoryOptions& options) {
  io::Fd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.is_open()) {
    return fail_errno(errno, "cannot open the directory of releases " + path);
  }
  std::optional<LockFile> lock;
  if (!options.is_read_only) {
    Result<LockFile> taken =
        LockFile::take(fd.get(), path, std::string(release_lock_name), lock_wait_max);
    if (!taken) {
      return fail(taken.error());
    }
    lock.emplace(std::move(*taken));
    archive::remove_leftovers(path, std::string(release_record_name));
  }
  // It removes the lock, also where the record cannot be read.
  ReleaseDirectory directory(path, std::move(fd), std::move(lock), options);
  Result<ReleaseRecord> record = read_record_at(directory.fd_.get(), path);
  if (!record) {
    return fail(record.error());
  }
  directory.record_ = std::move(*record);
  return directory;
}

Result<ReleaseRecord> ReleaseDirectory::read_record(const std::string& path) {
  const io::Fd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.is_open()) {
    return errno == ENOENT || errno == ENOTDIR
               ? Result<ReleaseRecord>(ReleaseRecord{})
               : fail_errno(errno, "cannot open the directory of releases " + path);
  }
  return read_record_at(fd.get(), path);
}

Status ReleaseDirectory::save_record() {
  return write_small_file(record_file(fd_.get(), path_, options_.sync_to_disk),
                          json_text(json_of(record_)) + "\n");
}

Status ReleaseDirectory::sync() const {
  return options_.sync_to_disk ? sync_directory(fd_.get(), path_) : Status();
}

bool ReleaseDirectory::has(const std::string& tag) const {
  struct stat status {};
  return validate_tag(tag) && fstatat(fd_.get(), tag.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0 &&
         (S_ISDIR(status.st_mode) || S_ISREG(status.st_mode));
}

PresentTags ReleaseDirectory::present() const {
  PresentTags present;
  for (const std::vector<std::string>* tags : {&record_.delivered, &record_.activated}) {
    for (const std::string& tag : *tags) {
      if (has(tag)) {
        present.insert(tag);
      }
    }
  }
  return present;
}

Result<std::string> ReleaseDirectory::current(const std::string& link) const {
  std::array<char, PATH_MAX> target{};
  const ssize_t size = readlinkat(fd_.get(), link.c_str(), target.data(), target.size());
  if (size < 0 && errno == ENOENT) {
    return std::string();
  }
  if (size < 0 && errno == EINVAL) {
    return fail(
        ErrorCode::exists,
        fmt::format("{}/{} is there and is not a symbolic link: move it away, or name another "
                    "with --link",
                    path_, link));
  }
  if (size < 0) {
    return fail_errno(errno, fmt::format("cannot read the link {}/{}", path_, link));
  }
  std::string text(target.data(), static_cast<size_t>(size));
  if (text.starts_with(path_ + "/")) {
    text.erase(0, path_.size() + 1);
  }
  if (text.find('/') != std::string::npos || !validate_tag(text)) {
    return fail(ErrorCode::conflict,
                fmt::format("{}/{} points to {}, which is not a release of this directory", path_,
                            link, text));
  }
  return text;
}

Status ReleaseDirectory::switch_to(const std::string& tag, const std::string& link) {
  if (!has(tag)) {
    return fail(ErrorCode::not_found,
                fmt::format("{}/{} is not there: `murder releases --to {}` lists the releases",
                            path_, tag, path_));
  }
  if (const Result<std::string> before = current(link);
      !before && before.error().code == ErrorCode::exists) {
    return fail(before.error());
  }
  archive::remove_link_leftovers(path_, link);
  const std::string fresh = hidden_name_for(link);
  if (symlinkat(tag.c_str(), fd_.get(), fresh.c_str()) != 0) {
    return fail_making(errno, fd_.get(), fmt::format("cannot make a link in {}", path_));
  }
  if (renameat(fd_.get(), fresh.c_str(), fd_.get(), link.c_str()) != 0) {
    const int error_number = errno;
    unlinkat(fd_.get(), fresh.c_str(), 0);
    return fail_errno(error_number, fmt::format("cannot switch the link {}/{}", path_, link));
  }
  return sync();
}

void ReleaseDirectory::remove_leftovers() {
  for (const std::vector<std::string>* tags : {&record_.delivered, &record_.activated}) {
    archive::remove_leftovers(path_, *tags);
  }
}

Status ReleaseDirectory::remove(const std::string& tag) {
  if (!has(tag)) {
    return {};
  }
  const std::string hidden = hidden_name_for(tag);
  if (renameat(fd_.get(), tag.c_str(), fd_.get(), hidden.c_str()) != 0) {
    // overlayfs does not rename a directory of a lower layer; it is removed where it is.
    if (errno != EXDEV) {
      return fail_errno(errno, fmt::format("cannot remove {}/{}", path_, tag));
    }
    if (Status removed = archive::remove_tree(path_ + "/" + tag); !removed) {
      return removed;
    }
    return sync();
  }
  if (Status synced = sync(); !synced) {
    return synced;
  }
  return archive::remove_tree(path_ + "/" + hidden);
}

}  // namespace murder::host
