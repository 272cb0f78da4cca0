// A fixed number of T, made and freed without allocation. A handle names a slot and its generation,
// so that a late message for a slot that was used again is noticed.
#pragma once

#include <compare>
#include <cstdint>
#include <memory>
#include <new>
#include <utility>
#include <vector>

#include "engine/base/ensure.h"

namespace murder {

template <typename Kind>
struct Handle {
  uint32_t slot = UINT32_MAX;
  uint32_t generation = 0;

  constexpr auto operator<=>(const Handle&) const = default;
  [[nodiscard]] bool is_none() const { return slot == UINT32_MAX; }
};

template <typename T, typename HandleKind = T>
class Slab {
 public:
  using HandleType = Handle<HandleKind>;

  explicit Slab(uint32_t capacity)
      : cells_(std::make_unique<Cell[]>(capacity)), capacity_(capacity) {
    free_.reserve(capacity);
    for (uint32_t slot = capacity; slot > 0; --slot) {
      free_.push_back(slot - 1);
    }
  }
  Slab(const Slab&) = delete;
  Slab& operator=(const Slab&) = delete;
  ~Slab() {
    for (uint32_t slot = 0; slot < capacity_; ++slot) {
      if (cells_[slot].live) {
        pointer(slot)->~T();
      }
    }
  }

  [[nodiscard]] uint32_t capacity() const { return capacity_; }
  [[nodiscard]] uint32_t size() const { return capacity_ - static_cast<uint32_t>(free_.size()); }
  [[nodiscard]] bool full() const { return free_.empty(); }

  // The slab must not be full.
  template <typename... Arguments>
  HandleType make(Arguments&&... arguments) {
    ENSURE(!free_.empty());
    const uint32_t slot = free_.back();
    free_.pop_back();
    Cell& cell = cells_[slot];
    new (cell.storage) T(std::forward<Arguments>(arguments)...);
    cell.live = true;
    return {slot, cell.generation};
  }

  // nullptr when the handle is of an earlier generation or none.
  [[nodiscard]] T* get(HandleType handle) {
    if (handle.slot >= capacity_ || !cells_[handle.slot].live ||
        cells_[handle.slot].generation != handle.generation) {
      return nullptr;
    }
    return pointer(handle.slot);
  }
  [[nodiscard]] const T* get(HandleType handle) const {
    return const_cast<Slab*>(this)->get(handle);
  }

  // Frees a live handle.
  void free(HandleType handle) {
    T* item = get(handle);
    ENSURE(item != nullptr);
    item->~T();
    Cell& cell = cells_[handle.slot];
    cell.live = false;
    ++cell.generation;
    free_.push_back(handle.slot);
  }

  // Calls visit(handle, item) for each live item, in slot order. `visit` may free the item it is
  // given.
  template <typename Visit>
  void each(Visit&& visit) {
    for (uint32_t slot = 0; slot < capacity_; ++slot) {
      if (cells_[slot].live) {
        visit(HandleType{slot, cells_[slot].generation}, *pointer(slot));
      }
    }
  }

 private:
  struct Cell {
    alignas(T) unsigned char storage[sizeof(T)];
    uint32_t generation = 1;
    bool live = false;
  };

  T* pointer(uint32_t slot) { return std::launder(reinterpret_cast<T*>(cells_[slot].storage)); }

  std::unique_ptr<Cell[]> cells_;
  std::vector<uint32_t> free_;
  uint32_t capacity_;
};

}  // namespace murder
