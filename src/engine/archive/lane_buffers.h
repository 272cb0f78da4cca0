// Buffers of files that are read and hashed side by side, one for each lane.
//
// Belongs to one thread at a time. Allocates when made; bounded by lane_count * buffer_bytes.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <span>

#include "engine/base/allocation.h"
#include "engine/base/ensure.h"

namespace murder::archive {

class LaneBuffers {
 public:
  static constexpr size_t alignment = 4096;  // as O_DIRECT wants it

  // Every lane has a buffer of `buffer_bytes`, a multiple of the alignment.
  LaneBuffers(uint32_t lane_count, size_t buffer_bytes)
      : lane_count_(lane_count), buffer_bytes_(buffer_bytes) {
    ENSURE(buffer_bytes > 0 && buffer_bytes % alignment == 0);
    memory_.reset(static_cast<uint8_t*>(std::aligned_alloc(alignment, stride() * lane_count)));
    require_memory(memory_ != nullptr);
  }

  [[nodiscard]] uint32_t lane_count() const { return lane_count_; }
  [[nodiscard]] size_t buffer_bytes() const { return buffer_bytes_; }
  [[nodiscard]] std::span<uint8_t> at(uint32_t lane) const {
    ENSURE(lane < lane_count_);
    return {memory_.get() + lane * stride(), buffer_bytes_};
  }

 private:
  struct Free {
    void operator()(uint8_t* memory) const { std::free(memory); }
  };

  // A page more each: at distances of a power of two all would compete for the same lines of the
  // caches.
  [[nodiscard]] size_t stride() const { return buffer_bytes_ + alignment; }

  uint32_t lane_count_;
  size_t buffer_bytes_;
  std::unique_ptr<uint8_t, Free> memory_;
};

}  // namespace murder::archive
