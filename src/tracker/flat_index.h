// A hash index over items that live elsewhere: it holds a 32-bit reference per item and asks the
// caller whether a reference is the one meant. Open addressing with linear probing and backward
// shift, 8 bytes a slot, at most 3/4 full; it grows by doubling and shrinks only when emptied.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "engine/base/ensure.h"

namespace murder::tracker {

class FlatIndex {
 public:
  static constexpr uint32_t none = UINT32_MAX;  // never a reference of an item

  [[nodiscard]] uint32_t size() const { return size_; }
  [[nodiscard]] size_t memory_bytes() const { return slots_.capacity() * sizeof(Slot); }

  // The reference of this hash for which matches(reference) holds, or none.
  template <typename Matches>
  [[nodiscard]] uint32_t find(uint32_t hash, Matches&& matches) const {
    if (size_ == 0) {
      return none;
    }
    for (size_t at = home(hash); slots_[at].reference != none; at = next(at)) {
      if (slots_[at].hash == hash && matches(slots_[at].reference)) {
        return slots_[at].reference;
      }
    }
    return none;
  }

  // The item must not be in the index.
  void insert(uint32_t hash, uint32_t reference) {
    ENSURE(reference != none);
    if ((size_t{size_} + 1) * 4 > slots_.size() * 3) {
      grow();
    }
    place({hash, reference});
    ++size_;
  }

  // The item moved: `from` must be in the index under this hash.
  void move(uint32_t hash, uint32_t from, uint32_t to) {
    ENSURE(to != none);
    slots_[slot_of(hash, from)].reference = to;
  }

  // `reference` must be in the index under this hash.
  void erase(uint32_t hash, uint32_t reference) {
    size_t hole = slot_of(hash, reference);
    // Later items of the run move up, unless that would put them before their home.
    for (size_t at = next(hole); slots_[at].reference != none; at = next(at)) {
      const size_t distance = (at - home(slots_[at].hash)) & mask();
      if (distance >= ((at - hole) & mask())) {
        slots_[hole] = slots_[at];
        hole = at;
      }
    }
    slots_[hole] = Slot{};
    if (--size_ == 0) {
      slots_ = std::vector<Slot>();
    }
  }

 private:
  struct Slot {
    uint32_t hash = 0;
    uint32_t reference = none;
  };

  [[nodiscard]] size_t mask() const { return slots_.size() - 1; }
  [[nodiscard]] size_t home(uint32_t hash) const { return hash & mask(); }
  [[nodiscard]] size_t next(size_t at) const { return (at + 1) & mask(); }

  [[nodiscard]] size_t slot_of(uint32_t hash, uint32_t reference) const {
    ENSURE(size_ > 0);
    size_t at = home(hash);
    while (slots_[at].reference != reference) {
      ENSURE(slots_[at].reference != none);
      at = next(at);
    }
    return at;
  }

  void place(Slot slot) {
    size_t at = home(slot.hash);
    while (slots_[at].reference != none) {
      at = next(at);
    }
    slots_[at] = slot;
  }

  void grow() {
    std::vector<Slot> old = std::exchange(slots_, {});
    slots_.resize(std::max<size_t>(16, old.size() * 2));
    for (const Slot& slot : old) {
      if (slot.reference != none) {
        place(slot);
      }
    }
  }

  std::vector<Slot> slots_;  // a power of two, or empty
  uint32_t size_ = 0;
};

}  // namespace murder::tracker
