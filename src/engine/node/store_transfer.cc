#include "engine/node/store_transfer.h"

#include <algorithm>
#include <cerrno>

#include "engine/base/ensure.h"

namespace murder::node {

void StoreTransfer::start(bool writes, uint64_t offset, std::span<uint8_t> memory) {
  ENSURE(!busy_ && !memory.empty());
  busy_ = true;
  writes_ = writes;
  offset_ = offset;
  left_ = memory;
  step();
}

void StoreTransfer::step() {
  ENSURE(busy_ && !operation_.in_flight());
  while (!left_.empty()) {
    const StoreSegment segment = store_.segment_at(offset_, static_cast<uint32_t>(left_.size()));
    const std::span<uint8_t> part = left_.first(segment.size_bytes);
    if (segment.is_padding) {
      if (!writes_) {
        std::fill(part.begin(), part.end(), uint8_t{0});
      }
      left_ = left_.subspan(part.size());
      offset_ += part.size();
      continue;
    }
    file_index_ = segment.file_index;
    const int fd = store_.acquire_open(file_index_);
    if (fd < 0) {
      open(Phase::open);
    } else if (writes_ && store_.wants_direct(file_index_)) {
      open(Phase::open_direct);
    } else {
      start_io(fd);
    }
    return;
  }
  finish(0);
}

void StoreTransfer::open(Phase phase) {
  phase_ = phase;
  request_ =
      phase == Phase::open ? store_.open_request(file_index_) : store_.direct_request(file_index_);
  reactor_.open(operation_, request_.directory_fd, request_.path.c_str(), &request_.how);
}

void StoreTransfer::opened(int32_t result) {
  const bool is_direct = phase_ == Phase::open_direct;
  if (result == -EINTR || result == -EAGAIN) {
    open(phase_);
  } else if (is_direct) {
    // EINVAL: the file system cannot (tmpfs before Linux 6.6, some FUSE and network ones).
    if (result < 0) {
      store_.direct_refused();
    } else {
      store_.opened_direct(file_index_, result);
    }
    start_io(store_.fd(file_index_));
  } else if (result < 0) {
    finish(-result);
  } else {
    store_.opened(file_index_, result);
    step();
  }
}

// The file is acquired.
void StoreTransfer::start_io(int fd) {
  phase_ = Phase::transfer;
  const StoreSegment segment = store_.segment_at(offset_, static_cast<uint32_t>(left_.size()));
  ENSURE(!segment.is_padding && segment.file_index == file_index_);
  const std::span<uint8_t> part = left_.first(segment.size_bytes);
  if (writes_) {
    start_write(fd, part, segment.offset);
  } else {
    reactor_.read(operation_, fd, part, segment.offset);
  }
}

// The aligned part goes past the page cache; the end of a file, which is not, through it.
void StoreTransfer::start_write(int fd, std::span<uint8_t> part, uint64_t offset) {
  constexpr uint32_t alignment = Store::direct_alignment_bytes;
  const bool is_aligned =
      reinterpret_cast<uintptr_t>(part.data()) % alignment == 0 && offset % alignment == 0;
  const size_t direct_bytes = is_aligned ? part.size() / alignment * alignment : 0;
  const int direct_fd = direct_bytes > 0 ? store_.direct(file_index_) : -1;
  direct_ = direct_fd >= 0;
  if (direct_) {
    reactor_.write(operation_, direct_fd, part.first(direct_bytes), offset);
  } else {
    reactor_.write(operation_, fd, part, offset);
  }
}

void StoreTransfer::step_done(io::Operation&, int32_t result, uint32_t) {
  if (phase_ != Phase::transfer) {
    opened(result);
    return;
  }
  store_.release(file_index_);
  if (direct_ && (result == -EINVAL || result == -EOPNOTSUPP)) {
    store_.direct_refused();
    step();
    return;
  }
  if (result == -EINTR || result == -EAGAIN) {
    step();
    return;
  }
  if (result < 0) {
    finish(-result);
    return;
  }
  if (result == 0) {
    finish(writes_ ? ENOSPC : ENODATA);
    return;
  }
  ENSURE(static_cast<size_t>(result) <= left_.size());
  left_ = left_.subspan(static_cast<size_t>(result));
  offset_ += static_cast<uint32_t>(result);
  step();
}

void StoreTransfer::finish(int error_number) {
  ENSURE(busy_);
  busy_ = false;
  target_(*this, error_number);
}

}  // namespace murder::node
