#include "engine/io/buffer_ring.h"

#include <liburing.h>

#include <bit>

#include "engine/base/ensure.h"
#include "engine/io/reactor.h"

namespace murder::io {

Result<std::unique_ptr<BufferRing>> BufferRing::create(Reactor& reactor, const Options& options) {
  ENSURE(std::has_single_bit(options.buffer_count) && options.buffer_count <= 32768);
  std::unique_ptr<BufferRing> made(new BufferRing(reactor, options));
  auto ring_memory =
      AlignedArena::create({.size_bytes = options.buffer_count * sizeof(io_uring_buf)});
  if (!ring_memory) {
    return fail(ring_memory.error());
  }
  auto buffer_memory =
      AlignedArena::create({.size_bytes = uint64_t{options.buffer_count} * options.buffer_bytes});
  if (!buffer_memory) {
    return fail(buffer_memory.error());
  }
  made->ring_memory_ = std::move(*ring_memory);
  made->buffer_memory_ = std::move(*buffer_memory);
  io_uring_buf_reg registration{};
  registration.ring_addr = reinterpret_cast<uintptr_t>(made->ring_memory_->bytes().data());
  registration.ring_entries = options.buffer_count;
  registration.bgid = options.group;
  const int result = io_uring_register_buf_ring(reactor.ring_.get(), &registration, 0);
  if (result != 0) {
    return fail_errno(-result, "cannot register a ring of receive buffers with the kernel");
  }
  made->ring_ = reinterpret_cast<io_uring_buf_ring*>(made->ring_memory_->bytes().data());
  io_uring_buf_ring_init(made->ring_);
  for (uint32_t index = 0; index < options.buffer_count; ++index) {
    made->give_back(index);
  }
  return made;
}

BufferRing::BufferRing(Reactor& reactor, const Options& options)
    : reactor_(reactor), options_(options) {}

BufferRing::~BufferRing() {
  if (ring_ != nullptr) {
    io_uring_unregister_buf_ring(reactor_.ring_.get(), options_.group);
  }
}

BufferRing::Taken BufferRing::taken(int32_t result, uint32_t cqe_flags) const {
  ENSURE(result >= 0 && (cqe_flags & IORING_CQE_F_BUFFER) != 0);
  const uint32_t index = cqe_flags >> IORING_CQE_BUFFER_SHIFT;
  ENSURE(index < options_.buffer_count && static_cast<uint32_t>(result) <= options_.buffer_bytes);
  return {index, buffer_memory_->bytes().subspan(uint64_t{index} * options_.buffer_bytes,
                                                 static_cast<uint32_t>(result))};
}

void BufferRing::give_back(uint32_t index) {
  ENSURE(index < options_.buffer_count);
  uint8_t* buffer = buffer_memory_->bytes().data() + uint64_t{index} * options_.buffer_bytes;
  io_uring_buf_ring_add(ring_, buffer, options_.buffer_bytes, static_cast<uint16_t>(index),
                        io_uring_buf_ring_mask(options_.buffer_count), 0);
  io_uring_buf_ring_advance(ring_, 1);
}

}  // namespace murder::io
