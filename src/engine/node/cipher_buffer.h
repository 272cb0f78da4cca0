// Bytes that wait between a socket and a cipher: written at the end, read at the front. Its memory
// stays where it is, since the kernel may hold what is written or read.
//
// Bounded by its size; has memory while anything is in it, or while it is held.
#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <span>

#include "engine/base/ensure.h"

namespace murder::node {

class CipherBuffer {
 public:
  explicit CipherBuffer(size_t size_bytes) : size_bytes_(size_bytes) {}

  [[nodiscard]] std::span<uint8_t> bytes() { return {memory_.get() + begin_, end_ - begin_}; }
  [[nodiscard]] bool empty() const { return begin_ == end_; }
  // Behind bytes(); takes memory if there is none.
  [[nodiscard]] std::span<uint8_t> room() {
    if (memory_ == nullptr) {
      memory_.reset(new uint8_t[size_bytes_]);
    }
    return {memory_.get() + end_, size_bytes_ - end_};
  }
  // The first `size_bytes` of room() were written.
  void wrote(size_t size_bytes) {
    ENSURE(memory_ != nullptr && size_bytes <= size_bytes_ - end_);
    end_ += size_bytes;
  }
  void skip(size_t size_bytes) {
    ENSURE(size_bytes <= end_ - begin_);
    begin_ += size_bytes;
    if (begin_ == end_) {
      begin_ = end_ = 0;
    }
  }
  // Moves bytes() to the front, so that there is more room. Nobody else refers to them.
  void compact() {
    if (begin_ > 0) {
      std::memmove(memory_.get(), memory_.get() + begin_, end_ - begin_);
      end_ -= begin_;
      begin_ = 0;
    }
  }
  // Of an empty one.
  void release_memory() {
    ENSURE(empty());
    memory_.reset();
  }

 private:
  size_t size_bytes_;
  std::unique_ptr<uint8_t[]> memory_;
  size_t begin_ = 0;
  size_t end_ = 0;
};

}  // namespace murder::node
