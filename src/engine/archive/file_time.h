// When a file was modified, as archives and the kernel tell it.
#pragma once

#include <ctime>

#include <cstdint>

namespace murder::archive {

struct FileTime {
  int64_t seconds = 0;  // since 1970
  uint32_t nanoseconds = 0;

  bool operator==(const FileTime&) const = default;
};

[[nodiscard]] inline FileTime file_time_of(const struct timespec& time) {
  return {.seconds = time.tv_sec, .nanoseconds = static_cast<uint32_t>(time.tv_nsec)};
}

}  // namespace murder::archive
