#include "engine/node/store_watch.h"

#include <fmt/core.h>

#include <algorithm>

#include "engine/base/ensure.h"

namespace murder::node {
namespace {

constexpr Duration check_interval = std::chrono::seconds(1);

}  // namespace

StoreWatch::StoreWatch(const codec::Metainfo& metainfo, std::string path, int fd)
    : metainfo_(&metainfo), path_(std::move(path)), fd_(fd) {}

std::string StoreWatch::file_path(uint32_t file_index) const {
  return metainfo_->is_single_file ? path_ : path_ + "/" + metainfo_->files[file_index].path;
}

StoreWatch::Seen StoreWatch::look(uint32_t file_index) const {
  const codec::FileEntry& entry = metainfo_->files[file_index];
  struct stat info {};
  if (entry.is_padding || entry.is_symlink) {
    return {};
  }
  const int result = metainfo_->is_single_file ? ::fstat(fd_, &info)
                                               : ::stat(file_path(file_index).c_str(), &info);
  if (result != 0) {
    return {};
  }
  return {.is_there = true,
          .size_bytes = static_cast<uint64_t>(info.st_size),
          .inode = info.st_ino,
          .changed_at = info.st_mtim};
}

void StoreWatch::begin() {
  ENSURE(seen_.empty());
  seen_.reserve(metainfo_->files.size());
  for (uint32_t index = 0; index < metainfo_->files.size(); ++index) {
    seen_.push_back(look(index));
  }
}

Status StoreWatch::check(Instant now) {
  if (now - checked_at_ < check_interval) {
    return {};
  }
  checked_at_ = now;
  const auto count = static_cast<uint32_t>(seen_.size());
  for (uint32_t step = 0; step < std::min(files_at_once, count); ++step) {
    const uint32_t index = next_;
    next_ = (next_ + 1) % count;
    const Seen& before = seen_[index];
    const Seen found = look(index);
    const bool is_same = found.size_bytes == before.size_bytes && found.inode == before.inode &&
                         found.changed_at.tv_sec == before.changed_at.tv_sec &&
                         found.changed_at.tv_nsec == before.changed_at.tv_nsec;
    if (before.is_there && found.is_there && !is_same) {
      return fail(ErrorCode::conflict,
                  fmt::format("{} was changed while it was served: put its content back and seed "
                              "it again (`murder verify` checks it), or make a new "
                              "release of it with `murder create`",
                              file_path(index)));
    }
  }
  return {};
}

}  // namespace murder::node
