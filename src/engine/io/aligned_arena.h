// Memory for payload: one mapping, page-aligned, cut into equal chunks.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "engine/base/result.h"

namespace murder::io {

// Any thread; unmapped at the end. Memory is taken from the system when it is first written.
class AlignedArena {
 public:
  struct Options {
    uint64_t size_bytes = 0;  // rounded up to whole pages
    bool huge_pages =
        false;  // asks for transparent huge pages; a kernel without them does not mind
  };
  [[nodiscard]] static Result<std::unique_ptr<AlignedArena>> create(const Options& options);
  AlignedArena(const AlignedArena&) = delete;
  AlignedArena& operator=(const AlignedArena&) = delete;
  ~AlignedArena();

  [[nodiscard]] std::span<uint8_t> bytes() { return bytes_; }

 private:
  explicit AlignedArena(std::span<uint8_t> bytes) : bytes_(bytes) {}
  std::span<uint8_t> bytes_;
};

// Equal chunks of an arena, which it must not outlive. One thread. The last one freed is the next
// one taken, since it is warm in the cache.
class ChunkPool {
 public:
  // chunk_bytes: a multiple of 4096 keeps chunks fit for O_DIRECT.
  ChunkPool(std::span<uint8_t> memory, uint32_t chunk_bytes);

  [[nodiscard]] uint32_t chunk_bytes() const { return chunk_bytes_; }
  [[nodiscard]] uint32_t capacity() const { return capacity_; }
  [[nodiscard]] uint32_t free_count() const { return free_count_; }

  // Index of a chunk; UINT32_MAX when all are taken.
  [[nodiscard]] uint32_t take();
  void give_back(uint32_t index);
  [[nodiscard]] std::span<uint8_t> chunk(uint32_t index) const;

 private:
  static constexpr uint32_t taken = UINT32_MAX - 1;
  static constexpr uint32_t end_of_list = UINT32_MAX;

  std::span<uint8_t> memory_;
  std::vector<uint32_t> next_free_;  // `taken` for a chunk that is out
  uint32_t chunk_bytes_;
  uint32_t capacity_;
  uint32_t free_head_ = end_of_list;
  uint32_t free_count_ = 0;
};

}  // namespace murder::io
