// A first-in first-out queue that grows by doubling up to a bound and then allocates no more.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "engine/base/ensure.h"

namespace murder {

template <typename T>
class RingQueue {
 public:
  explicit RingQueue(uint32_t size_max) : size_max_(size_max) {}

  [[nodiscard]] uint32_t size() const { return size_; }
  [[nodiscard]] bool empty() const { return size_ == 0; }
  [[nodiscard]] bool full() const { return size_ == size_max_; }

  void push(const T& item) {
    ENSURE(size_ < size_max_);
    if (size_ == cells_.size()) {
      grow();
    }
    cells_[(first_ + size_) & (cells_.size() - 1)] = item;
    ++size_;
  }

  [[nodiscard]] T& at(uint32_t position) {
    ENSURE(position < size_);
    return cells_[(first_ + position) & (cells_.size() - 1)];
  }
  [[nodiscard]] const T& at(uint32_t position) const {
    return const_cast<RingQueue*>(this)->at(position);
  }
  [[nodiscard]] T& front() { return at(0); }

  T pop() {
    ENSURE(size_ > 0);
    T item = std::move(cells_[first_]);
    first_ = (first_ + 1) & static_cast<uint32_t>(cells_.size() - 1);
    --size_;
    return item;
  }

  // Takes out the item at `position`; those behind it move up. O(position), so cheap near the
  // front.
  T remove(uint32_t position) {
    T item = std::move(at(position));
    for (; position > 0; --position) {
      at(position) = std::move(at(position - 1));
    }
    first_ = (first_ + 1) & static_cast<uint32_t>(cells_.size() - 1);
    --size_;
    return item;
  }

  void clear() {
    first_ = 0;
    size_ = 0;
  }

 private:
  void grow() {
    std::vector<T> larger(cells_.empty() ? 4 : cells_.size() * 2);
    for (uint32_t position = 0; position < size_; ++position) {
      larger[position] = std::move(at(position));
    }
    cells_ = std::move(larger);
    first_ = 0;
  }

  std::vector<T> cells_;  // a power of two, or empty
  uint32_t first_ = 0;
  uint32_t size_ = 0;
  uint32_t size_max_;
};

}  // namespace murder
