// Messages as the fake kernel is given them.
#pragma once

#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <cstdint>
#include <span>

namespace murder::test {

template <typename T>
T* pointer_of(uint64_t address) {
  return reinterpret_cast<T*>(static_cast<uintptr_t>(address));
}

inline std::span<iovec> segments_of(uint64_t message_address) {
  const auto* message = pointer_of<msghdr>(message_address);
  return {message->msg_iov, message->msg_iovlen};
}

inline size_t bytes_of(std::span<const iovec> segments) {
  size_t bytes = 0;
  for (const iovec& segment : segments) {
    bytes += segment.iov_len;
  }
  return bytes;
}

// Calls visit(memory) for the parts of the segments from `begin` on, `size` bytes in all.
template <typename Visit>
void each_part(std::span<const iovec> segments, size_t begin, size_t size, Visit&& visit) {
  for (const iovec& segment : segments) {
    if (begin >= segment.iov_len) {
      begin -= segment.iov_len;
      continue;
    }
    const size_t part = std::min(segment.iov_len - begin, size);
    visit(std::span(static_cast<uint8_t*>(segment.iov_base) + begin, part));
    begin = 0;
    size -= part;
  }
}

}  // namespace murder::test
