#include "engine/io/aligned_arena.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>

#include "engine/base/ensure.h"
#include "engine/base/units.h"

namespace murder::io {

Result<std::unique_ptr<AlignedArena>> AlignedArena::create(const Options& options) {
  const uint64_t page_bytes = static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  const uint64_t size_bytes = (options.size_bytes + page_bytes - 1) / page_bytes * page_bytes;
  if (size_bytes == 0) {
    return std::unique_ptr<AlignedArena>(new AlignedArena({}));
  }
  void* memory =
      mmap(nullptr, size_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) {
    return fail_errno(errno, "cannot get " + format_size(size_bytes) + " of memory for buffers");
  }
  if (options.huge_pages) {
    madvise(memory, size_bytes, MADV_HUGEPAGE);
  }
  return std::unique_ptr<AlignedArena>(
      new AlignedArena({static_cast<uint8_t*>(memory), size_bytes}));
}

AlignedArena::~AlignedArena() {
  if (!bytes_.empty()) {
    munmap(bytes_.data(), bytes_.size());
  }
}

ChunkPool::ChunkPool(std::span<uint8_t> memory, uint32_t chunk_bytes)
    : memory_(memory),
      next_free_(memory.size() / chunk_bytes),
      chunk_bytes_(chunk_bytes),
      capacity_(static_cast<uint32_t>(memory.size() / chunk_bytes)),
      free_count_(capacity_) {
  ENSURE(capacity_ < taken);
  for (uint32_t index = 0; index < capacity_; ++index) {
    next_free_[index] = index + 1 < capacity_ ? index + 1 : end_of_list;
  }
  free_head_ = capacity_ > 0 ? 0 : end_of_list;
}

uint32_t ChunkPool::take() {
  if (free_head_ == end_of_list) {
    return UINT32_MAX;
  }
  const uint32_t index = free_head_;
  free_head_ = next_free_[index];
  next_free_[index] = taken;
  --free_count_;
  return index;
}

void ChunkPool::give_back(uint32_t index) {
  ENSURE(index < capacity_ && next_free_[index] == taken);
  next_free_[index] = free_head_;
  free_head_ = index;
  ++free_count_;
}

std::span<uint8_t> ChunkPool::chunk(uint32_t index) const {
  ENSURE(index < capacity_ && next_free_[index] == taken);
  return memory_.subspan(uint64_t{index} * chunk_bytes_, chunk_bytes_);
}

}  // namespace murder::io
