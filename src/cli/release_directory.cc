#include "cli/release_directory.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <limits.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>

#include "engine/archive/tree_removal.h"
#include "engine/base/tag.h"

namespace murder::cli {
namespace {

constexpr size_t record_bytes_max = 1024 * 1024;

Result<ReleaseRecord> read_record_at(int directory_fd, const std::string& directory) {
  const std::string name(release_record_name);
  const std::string path = directory + "/" + name;
  const io::Fd fd(openat(directory_fd, name.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!fd.is_open() && errno == ENOENT) {
    return ReleaseRecord{};
  }
  if (!fd.is_open()) {
    return fail_errno(errno, "cannot open " + path);
  }
  std::string text(record_bytes_max, '\0');
  const ssize_t size = read(fd.get(), text.data(), text.size());
  if (size < 0) {
    return fail_errno(errno, "cannot read " + path);
  }
  text.resize(static_cast<size_t>(size));
  const Result<Json> json = parse_json(text);
  Result<ReleaseRecord> record =
      json ? record_of(*json) : Result<ReleaseRecord>(fail(json.error()));
  if (!record) {
    return fail(ErrorCode::io, fmt::format("{} is damaged ({}): move it away to start a new record",
                                           path, record.error().text));
  }
  return record;
}

std::string hidden_name(std::string_view name) {
  uint64_t random = 0;
  if (getrandom(&random, sizeof random, 0) < 0) {
    random = static_cast<uint64_t>(getpid());
  }
  // As archive::Staging names what it works on, so that leftovers of a crash are found by it.
  return fmt::format(".{}.murder-{:012x}", name, random & 0xFFFFFFFFFFFFU);
}

}  // namespace

Result<ReleaseDirectory> ReleaseDirectory::open(const std::string& path) {
  io::Fd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.is_open()) {
    return fail_errno(errno, "cannot open the directory of releases " + path);
  }
  while (flock(fd.get(), LOCK_EX) != 0) {
    if (errno != EINTR) {
      return fail_errno(errno, "cannot lock " + path);
    }
  }
  Result<ReleaseRecord> record = read_record_at(fd.get(), path);
  if (!record) {
    return fail(record.error());
  }
  return ReleaseDirectory(path, std::move(fd), std::move(*record));
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
  const std::string name(release_record_name);
  const std::string fresh = hidden_name(release_record_name);
  const std::string text = json_text(json_of(record_)) + "\n";
  const io::Fd fd(openat(fd_.get(), fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
  const bool is_written = fd.is_open() && write(fd.get(), text.data(), text.size()) ==
                                              static_cast<ssize_t>(text.size());
  if (!is_written || renameat(fd_.get(), fresh.c_str(), fd_.get(), name.c_str()) != 0) {
    const int error_number = errno == 0 ? ENOSPC : errno;
    unlinkat(fd_.get(), fresh.c_str(), 0);
    return fail_errno(error_number, fmt::format("cannot write {}/{}", path_, name));
  }
  return {};
}

bool ReleaseDirectory::has(const std::string& tag) const {
  struct stat status {};
  return validate_tag(tag) && fstatat(fd_.get(), tag.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0 &&
         (S_ISDIR(status.st_mode) || S_ISREG(status.st_mode));
}

Result<std::string> ReleaseDirectory::current(const std::string& link) const {
  std::array<char, PATH_MAX> target{};
  const ssize_t size = readlinkat(fd_.get(), link.c_str(), target.data(), target.size());
  if (size < 0 && errno == ENOENT) {
    return std::string();
  }
  if (size < 0 && errno == EINVAL) {
    return fail(ErrorCode::exists,
                fmt::format("{}/{} is there and is no symbolic link: move it away, or name another "
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
                fmt::format("{}/{} points to {}, which is no release of this directory", path_,
                            link, text));
  }
  return text;
}

Status ReleaseDirectory::switch_to(const std::string& tag, const std::string& link) {
  if (!has(tag)) {
    return fail(ErrorCode::not_found, fmt::format("{}/{} is not there", path_, tag));
  }
  if (const Result<std::string> before = current(link);
      !before && before.error().code == ErrorCode::exists) {
    return fail(before.error());
  }
  const std::string fresh = hidden_name(link);
  if (symlinkat(tag.c_str(), fd_.get(), fresh.c_str()) != 0) {
    return fail_errno(errno, fmt::format("cannot make a link in {}", path_));
  }
  if (renameat(fd_.get(), fresh.c_str(), fd_.get(), link.c_str()) != 0) {
    const int error_number = errno;
    unlinkat(fd_.get(), fresh.c_str(), 0);
    return fail_errno(error_number, fmt::format("cannot switch the link {}/{}", path_, link));
  }
  return {};
}

Status ReleaseDirectory::remove(const std::string& tag) {
  if (!has(tag)) {
    return {};
  }
  const std::string hidden = hidden_name(tag);
  if (renameat(fd_.get(), tag.c_str(), fd_.get(), hidden.c_str()) != 0) {
    return fail_errno(errno, fmt::format("cannot remove {}/{}", path_, tag));
  }
  return archive::remove_tree(path_ + "/" + hidden);
}

}  // namespace murder::cli
