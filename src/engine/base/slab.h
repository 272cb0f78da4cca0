// At most a fixed number of T. Memory is taken a few cells at a time as they are first used, and
// kept, so making and freeing what was there before does not allocate, and a T never moves. A
// handle names a slot and its generation, so that a late message for a slot that was used again is
// noticed.
#pragma once

#include <bit>
#include <compare>
#include <cstdint>
#include <memory>
#include <new>
#include <utility>
#include <vector>

#include "engine/base/ensure.h"
#include "engine/base/fetch.h"

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
      : chunks_((capacity + chunk_size - 1) / chunk_size),
        live_((capacity + word_bits - 1) / word_bits, 0),
        capacity_(capacity) {
    free_.reserve(capacity);
    for (uint32_t slot = capacity; slot > 0; --slot) {
      free_.push_back(slot - 1);
    }
  }
  Slab(const Slab&) = delete;
  Slab& operator=(const Slab&) = delete;
  ~Slab() {
    each([](HandleType, T& item) { item.~T(); });
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
    std::unique_ptr<Cell[]>& chunk = chunks_[slot / chunk_size];
    if (chunk == nullptr) {
      chunk = std::make_unique<Cell[]>(chunk_size);
    }
    Cell& cell = cell_of(slot);
    new (cell.storage) T(std::forward<Arguments>(arguments)...);
    live_[slot / word_bits] |= uint64_t{1} << (slot % word_bits);
    return {slot, cell.generation};
  }

  // nullptr when the handle is of an earlier generation or none.
  [[nodiscard]] T* get(HandleType handle) {
    if (handle.slot >= capacity_ || !is_live(handle.slot)) {
      return nullptr;
    }
    Cell& cell = cell_of(handle.slot);
    return cell.generation == handle.generation ? pointer(cell) : nullptr;
  }
  [[nodiscard]] const T* get(HandleType handle) const {
    return const_cast<Slab*>(this)->get(handle);
  }

  void fetch_ahead(HandleType handle) const {
    fetch(&live_[handle.slot / word_bits]);
    fetch(&chunks_[handle.slot / chunk_size]);
  }

  // Frees a live handle.
  void free(HandleType handle) {
    T* item = get(handle);
    ENSURE(item != nullptr);
    item->~T();
    live_[handle.slot / word_bits] &= ~(uint64_t{1} << (handle.slot % word_bits));
    ++cell_of(handle.slot).generation;
    free_.push_back(handle.slot);
  }

  // Calls visit(handle, item) for each live item, in slot order. `visit` may free the item it is
  // given.
  template <typename Visit>
  void each(Visit&& visit) {
    for (uint32_t word = 0; word < live_.size(); ++word) {
      uint64_t not_before = ~uint64_t{0};
      // Read anew after each visit, which may have freed others or made some.
      while (const uint64_t left = live_[word] & not_before) {
        const auto bit = static_cast<uint32_t>(std::countr_zero(left));
        not_before = bit + 1 == word_bits ? 0 : ~uint64_t{0} << (bit + 1);
        const uint32_t slot = word * word_bits + bit;
        Cell& cell = cell_of(slot);
        visit(HandleType{slot, cell.generation}, *pointer(cell));
      }
    }
  }

 private:
  static constexpr uint32_t chunk_size = 8;
  static constexpr uint32_t word_bits = 64;

  struct Cell {
    alignas(T) unsigned char storage[sizeof(T)];
    uint32_t generation = 1;
  };

  [[nodiscard]] bool is_live(uint32_t slot) const {
    return ((live_[slot / word_bits] >> (slot % word_bits)) & 1U) != 0;
  }
  Cell& cell_of(uint32_t slot) { return chunks_[slot / chunk_size][slot % chunk_size]; }
  static T* pointer(Cell& cell) { return std::launder(reinterpret_cast<T*>(cell.storage)); }

  std::vector<std::unique_ptr<Cell[]>> chunks_;
  std::vector<uint64_t> live_;  // a bit for each slot
  std::vector<uint32_t> free_;
  uint32_t capacity_;
};

}  // namespace murder
