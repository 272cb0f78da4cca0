#include "engine/archive/cold_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>

#include "engine/base/ensure.h"

namespace murder::archive {

namespace {

// cachestat(2), Linux 6.5, which the C library of Debian 12 does not know.
constexpr long cachestat_number = 451;
struct CacheRange {
  uint64_t offset;
  uint64_t size_bytes;
};
struct CacheState {
  uint64_t cached_pages;
  uint64_t dirty_pages;
  uint64_t writeback_pages;
  uint64_t evicted_pages;
  uint64_t recently_evicted_pages;
};

}  // namespace

ColdFile::ColdFile(Fd file, std::string path, bool past_cache)
    : file_(std::move(file)), path_(std::move(path)) {
  ::posix_fadvise(file_.get(), 0, 0, POSIX_FADV_SEQUENTIAL);
  if (past_cache) {
    // The same file, whatever its name stands for by now.
    const std::string same = fmt::format("/proc/self/fd/{}", file_.get());
    direct_ = Fd(::open(same.c_str(), O_RDONLY | O_DIRECT | O_CLOEXEC));
  }
}

bool ColdFile::is_cold(uint64_t offset, uint64_t size_bytes) const {
  if (!direct_.is_open()) {
    return false;
  }
  CacheRange range{.offset = offset, .size_bytes = size_bytes};
  CacheState state{};
  // An older kernel does not tell, and none tells about files that are not ours.
  if (::syscall(cachestat_number, file_.get(), &range, &state, 0) != 0) {
    return false;
  }
  const auto page_bytes = static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
  return state.cached_pages * page_bytes < size_bytes / 2;
}

Result<size_t> ColdFile::read(std::span<uint8_t> buffer, size_t wanted, uint64_t offset,
                              bool is_cold) {
  if (is_cold && direct_.is_open() && offset % alignment == 0) {
    // Whole blocks, of which the end of the file may lack something.
    const std::span<uint8_t> blocks = buffer.first(round_up_to_alignment(wanted));
    const Result<size_t> got = read_at(direct_.get(), blocks, offset, path_);
    if (got) {
      return std::min(*got, wanted);
    }
    direct_.reset();  // it was refused after all
  }
  return read_at(file_.get(), buffer.first(wanted), offset, path_);
}

}  // namespace murder::archive
