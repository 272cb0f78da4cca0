#include "engine/archive/read_ahead.h"

#include <fcntl.h>

#include <algorithm>

#include "engine/archive/file.h"
#include "engine/base/thread_start.h"

namespace murder::archive {

ReadAhead::ReadAhead(int root_fd, const Tree& tree) : tree_(tree), cursor_(root_fd) {
  // Without a thread nothing is asked for, and all is read when its turn comes.
  static_cast<void>(start_thread(thread_, [this] { run(); }));
}

ReadAhead::~ReadAhead() {
  packed(end_position);
  if (thread_.joinable()) {
    thread_.join();
  }
}

void ReadAhead::run() {
  uint64_t position = 0;
  for (const TreeEntry& entry : tree_.entries) {
    if (entry.type == EntryType::file) {
      if (!ask_for(entry, position)) {
        return;
      }
      position += entry.size_bytes;
    }
    position += entry_cost_bytes;
  }
}

bool ReadAhead::wait_for(uint64_t position) const {
  while (true) {
    const uint64_t packed = position_.load(std::memory_order_relaxed);
    if (packed >= end_position) {
      return false;
    }
    if (position < packed + ahead_bytes) {
      return true;
    }
    position_.wait(packed, std::memory_order_relaxed);
  }
}

bool ReadAhead::ask_for(const TreeEntry& entry, uint64_t position) {
  if (!wait_for(position)) {
    return false;
  }
  DirectoryCursor::Place place;
  // Asked for, a hole would fill the page cache with zeros.
  if (entry.size_bytes == 0 || entry.has_holes || cursor_.enter_parent(entry.path, &place) != 0) {
    return true;
  }
  const Fd file(::openat(place.directory_fd, place.name,
                         O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  if (!file.is_open()) {
    return true;
  }
  for (uint64_t at = 0; at < entry.size_bytes; at += part_bytes) {
    if (!wait_for(position + at)) {
      return false;
    }
    const uint64_t part = std::min(part_bytes, entry.size_bytes - at);
    ::posix_fadvise(file.get(), static_cast<off_t>(at), static_cast<off_t>(part),
                    POSIX_FADV_WILLNEED);
  }
  return true;
}

}  // namespace murder::archive
