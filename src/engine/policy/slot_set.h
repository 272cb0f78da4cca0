// A set of small numbers 0 .. capacity - 1 that can be walked in O(size): who may be chosen now.
// Nothing allocates after construction.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/base/ensure.h"
#include "engine/base/fetch.h"

namespace murder::policy {

class SlotSet {
 public:
  explicit SlotSet(uint32_t capacity) : position_(capacity, absent) { items_.reserve(capacity); }

  [[nodiscard]] bool contains(uint32_t slot) const { return position_[slot] != absent; }
  [[nodiscard]] uint32_t size() const { return static_cast<uint32_t>(items_.size()); }
  [[nodiscard]] bool empty() const { return items_.empty(); }
  // The item at a position 0 .. size - 1; removals change positions.
  [[nodiscard]] uint32_t at(uint32_t position) const {
    ENSURE(position < items_.size());
    return items_[position];
  }

  void fetch_ahead(uint32_t slot) const { fetch(&position_[slot]); }

  void set(uint32_t slot, bool present) {
    ENSURE(slot < position_.size());
    if (contains(slot) == present) {
      return;
    }
    if (present) {
      position_[slot] = size();
      items_.push_back(slot);
      return;
    }
    ENSURE(items_[position_[slot]] == slot);
    const uint32_t last = items_.back();
    items_[position_[slot]] = last;
    position_[last] = position_[slot];
    items_.pop_back();
    position_[slot] = absent;
  }

 private:
  static constexpr uint32_t absent = UINT32_MAX;

  std::vector<uint32_t> items_;
  std::vector<uint32_t> position_;
};

}  // namespace murder::policy
