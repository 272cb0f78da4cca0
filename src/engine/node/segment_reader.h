// Reads what one recvmsg brought, front to back, over the buffers it was spread on.
#pragma once

#include <sys/uio.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <span>

#include "engine/base/ensure.h"

namespace murder::node {

class SegmentReader {
 public:
  // `size_bytes` of the memory of `segments` were filled.
  SegmentReader(std::span<const iovec> segments, size_t size_bytes)
      : segments_(segments), left_bytes_(size_bytes) {}

  [[nodiscard]] size_t left_bytes() const { return left_bytes_; }
  [[nodiscard]] bool empty() const { return left_bytes_ == 0; }

  // The bytes that come next and lie together; at least one unless empty().
  [[nodiscard]] std::span<const uint8_t> front() {
    while (!segments_.empty() && taken_ == segments_.front().iov_len) {
      segments_ = segments_.subspan(1);
      taken_ = 0;
    }
    if (left_bytes_ == 0) {
      return {};
    }
    ENSURE(!segments_.empty());
    const iovec& segment = segments_.front();
    const size_t size = std::min(segment.iov_len - taken_, left_bytes_);
    return {static_cast<const uint8_t*>(segment.iov_base) + taken_, size};
  }

  // At most front().size().
  void skip(size_t size_bytes) {
    ENSURE(size_bytes <= left_bytes_);
    taken_ += size_bytes;
    left_bytes_ -= size_bytes;
  }

  // Copies what is left to `memory` (which holds it) and continues reading there.
  void copy_out(std::span<uint8_t> memory) {
    ENSURE(left_bytes_ <= memory.size());
    size_t copied = 0;
    const size_t all = left_bytes_;
    while (copied < all) {
      const std::span<const uint8_t> part = front();
      std::memcpy(memory.data() + copied, part.data(), part.size());
      copied += part.size();
      skip(part.size());
    }
    copy_ = {memory.data(), all};
    segments_ = {&copy_, 1};
    taken_ = 0;
    left_bytes_ = all;
    is_copy_ = true;
  }
  [[nodiscard]] bool is_copy() const { return is_copy_; }

 private:
  std::span<const iovec> segments_;
  size_t taken_ = 0;  // of the first segment
  size_t left_bytes_;
  iovec copy_{};
  bool is_copy_ = false;
};

}  // namespace murder::node
