// Buffers that the kernel picks from when bytes arrive, so that idle connections hold none.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "engine/base/result.h"
#include "engine/io/aligned_arena.h"

struct io_uring_buf_ring;

namespace murder::io {

class Reactor;

// Lives on the thread of its reactor, which it must not outlive, and no recv_select() of it may be
// in flight when it is destroyed. A buffer handed out in a completion is the caller's until
// give_back(), best within the handler.
class BufferRing {
 public:
  struct Options {
    uint16_t group = 0;           // unique within the reactor
    uint32_t buffer_count = 256;  // a power of two, at most 32768
    uint32_t buffer_bytes = 4096;
  };
  [[nodiscard]] static Result<std::unique_ptr<BufferRing>> create(Reactor& reactor,
                                                                  const Options& options);
  BufferRing(const BufferRing&) = delete;
  BufferRing& operator=(const BufferRing&) = delete;
  ~BufferRing();

  [[nodiscard]] uint16_t group() const { return options_.group; }

  struct Taken {
    uint32_t index = 0;
    std::span<uint8_t> bytes;
  };
  // What a completion with this result (> 0) and these flags brought.
  [[nodiscard]] Taken taken(int32_t result, uint32_t cqe_flags) const;
  // Whether a completion took a buffer at all (the end of a stream takes none).
  [[nodiscard]] static bool has_buffer(uint32_t cqe_flags) { return (cqe_flags & 1U) != 0; }
  void give_back(uint32_t index);

 private:
  BufferRing(Reactor& reactor, const Options& options);

  Reactor& reactor_;
  Options options_;
  std::unique_ptr<AlignedArena> ring_memory_;
  std::unique_ptr<AlignedArena> buffer_memory_;
  io_uring_buf_ring* ring_ = nullptr;
};

}  // namespace murder::io
