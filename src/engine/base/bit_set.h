// A set of indices 0 .. size-1, sized once. The wire form is that of BEP 3: index 0 is the high bit
// of byte 0.
#pragma once

#include <bit>
#include <cstdint>
#include <span>
#include <vector>

#include "engine/base/ensure.h"
#include "engine/base/fetch.h"

namespace murder {

class BitSet {
 public:
  BitSet() = default;
  explicit BitSet(uint32_t size) : size_(size), words_((size + 63) / 64, 0) {}

  [[nodiscard]] uint32_t size() const { return size_; }
  [[nodiscard]] uint32_t count() const { return count_; }
  [[nodiscard]] bool all() const { return count_ == size_; }
  [[nodiscard]] bool none() const { return count_ == 0; }

  [[nodiscard]] bool test(uint32_t index) const {
    ENSURE(index < size_);
    return ((words_[index / 64] >> (index % 64)) & 1U) != 0;
  }

  void fetch_ahead(uint32_t index) const { fetch(&words_[index / 64]); }

  // True when the index was not in the set before.
  bool set(uint32_t index) {
    if (test(index)) {
      return false;
    }
    words_[index / 64] |= uint64_t{1} << (index % 64);
    ++count_;
    return true;
  }

  // True when the index was in the set before.
  bool reset(uint32_t index) {
    if (!test(index)) {
      return false;
    }
    words_[index / 64] &= ~(uint64_t{1} << (index % 64));
    --count_;
    return true;
  }

  void set_all();
  void reset_all();

  // Whether this set has an index that `other` (of the same size) lacks.
  [[nodiscard]] bool has_any_outside(const BitSet& other) const;

  // How many indices of this set `other` (of the same size) lacks.
  [[nodiscard]] uint32_t count_outside(const BitSet& other) const;

  // Calls visit(index) with each index of the set, in order.
  void for_each(auto&& visit) const {
    for (uint32_t at = 0; at < words_.size(); ++at) {
      for (uint64_t word = words_[at]; word != 0; word &= word - 1) {
        visit(at * 64 + static_cast<uint32_t>(std::countr_zero(word)));
      }
    }
  }

  // Whether both sets (of the same size) have an index in common.
  [[nodiscard]] bool intersects(const BitSet& other) const;

  // The first index >= from that is (not) in the set; size() when there is none.
  [[nodiscard]] uint32_t find_set(uint32_t from) const;
  [[nodiscard]] uint32_t find_unset(uint32_t from) const;

  // Raw words, index i at bit i % 64 of word i / 64; bits past the end are zero.
  [[nodiscard]] std::span<const uint64_t> words() const { return words_; }

  // Size of the wire form in bytes.
  [[nodiscard]] uint32_t wire_bytes() const { return (size_ + 7) / 8; }

  // Writes the wire form; `out` has wire_bytes().
  void to_wire(std::span<uint8_t> out) const;

  // Takes the wire form. False (and the set is unchanged) when the length is wrong or a spare bit
  // is set.
  [[nodiscard]] bool from_wire(std::span<const uint8_t> wire);

 private:
  uint32_t size_ = 0;
  uint32_t count_ = 0;
  std::vector<uint64_t> words_;
};

}  // namespace murder
