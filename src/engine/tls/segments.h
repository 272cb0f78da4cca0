// A run of bytes that lies in several places, as a socket takes and gives it.
#pragma once

#include <sys/uio.h>

#include <algorithm>
#include <cstdint>
#include <span>

#include "engine/base/ensure.h"

namespace murder::tls {

class Segments {
 public:
  explicit Segments(std::span<const iovec> segments) : segments_(segments) { skip_empty(); }

  // The bytes that come next and lie together; empty at the end.
  [[nodiscard]] std::span<uint8_t> front() const {
    if (segments_.empty()) {
      return {};
    }
    return {static_cast<uint8_t*>(segments_.front().iov_base) + taken_,
            segments_.front().iov_len - taken_};
  }
  // Of front().
  void skip(size_t size_bytes) {
    ENSURE(size_bytes <= front().size());
    taken_ += size_bytes;
    skip_empty();
  }
  // Calls visit(part) for the next `size_bytes`, which are there, and skips them. Ends early, with
  // false, when a visit returns false.
  template <typename Visit>
  bool each(size_t size_bytes, Visit&& visit) {
    while (size_bytes > 0) {
      const std::span<uint8_t> part = front().first(std::min(front().size(), size_bytes));
      ENSURE(!part.empty());
      if (!visit(part)) {
        return false;
      }
      size_bytes -= part.size();
      skip(part.size());
    }
    return true;
  }
  // No more than `size_bytes_max`, which is as far as is looked.
  [[nodiscard]] size_t size_up_to(size_t size_bytes_max) const {
    size_t size = 0;
    size_t taken = taken_;
    for (const iovec& segment : segments_) {
      size += segment.iov_len - taken;
      taken = 0;
      if (size >= size_bytes_max) {
        return size_bytes_max;
      }
    }
    return size;
  }

 private:
  void skip_empty() {
    while (!segments_.empty() && taken_ == segments_.front().iov_len) {
      segments_ = segments_.subspan(1);
      taken_ = 0;
    }
  }

  std::span<const iovec> segments_;
  size_t taken_ = 0;  // of the first
};

}  // namespace murder::tls
