#include "engine/io/file_send.h"

#include <fcntl.h>
#include <sys/sendfile.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace murder::io {
namespace {

constexpr uint64_t page_bytes = 4096;
constexpr uint64_t probe_step_bytes = 64 * 1024;

// cachestat(2), Linux 6.5; the headers of Debian 12 do not have it.
constexpr long cachestat_number = 451;
struct CachestatRange {
  uint64_t offset;
  uint64_t size_bytes;
};
struct Cachestat {
  uint64_t cached_pages;
  uint64_t dirty_pages;
  uint64_t writeback_pages;
  uint64_t evicted_pages;
  uint64_t recently_evicted_pages;
};

bool is_byte_cached(int fd, uint64_t offset) {
  uint8_t byte = 0;
  const iovec into{&byte, 1};
  return preadv2(fd, &into, 1, static_cast<off_t>(offset), RWF_NOWAIT) == 1;
}

bool is_cached_by_probes(int fd, uint64_t offset, uint32_t size_bytes) {
  for (uint64_t at = offset; at < offset + size_bytes; at += probe_step_bytes) {
    if (!is_byte_cached(fd, at)) {
      return false;
    }
  }
  return is_byte_cached(fd, offset + size_bytes - 1);
}

}  // namespace

int64_t send_file(int socket_fd, int file_fd, uint64_t offset, uint32_t size_bytes) {
  auto from = static_cast<off_t>(offset);
  const ssize_t sent = sendfile(socket_fd, file_fd, &from, size_bytes);
  return sent >= 0 ? sent : -errno;
}

bool is_cached(int file_fd, uint64_t offset, uint32_t size_bytes) {
  if (size_bytes == 0) {
    return true;
  }
  const uint64_t first = offset / page_bytes * page_bytes;
  const uint64_t end = (offset + size_bytes + page_bytes - 1) / page_bytes * page_bytes;
  CachestatRange range{first, end - first};
  Cachestat found{};
  if (syscall(cachestat_number, file_fd, &range, &found, 0) != 0) {
    return is_cached_by_probes(file_fd, offset, size_bytes);
  }
  return found.cached_pages * page_bytes >= range.size_bytes;
}

Status set_non_blocking(int fd) {
  const int flags = fcntl(fd, F_GETFL);
  if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0) {
    return fail_errno(errno, "cannot make a socket non-blocking");
  }
  return {};
}

}  // namespace murder::io
