#include "engine/base/bit_set.h"

#include <algorithm>

namespace murder {

void BitSet::set_all() {
  std::fill(words_.begin(), words_.end(), ~uint64_t{0});
  if (size_ % 64 != 0) {
    words_.back() = (uint64_t{1} << (size_ % 64)) - 1;
  }
  count_ = size_;
}

void BitSet::reset_all() {
  std::fill(words_.begin(), words_.end(), 0);
  count_ = 0;
}

bool BitSet::has_any_outside(const BitSet& other) const {
  ENSURE(size_ == other.size_);
  for (size_t index = 0; index < words_.size(); ++index) {
    if ((words_[index] & ~other.words_[index]) != 0) {
      return true;
    }
  }
  return false;
}

uint32_t BitSet::count_outside(const BitSet& other) const {
  ENSURE(size_ == other.size_);
  uint32_t count = 0;
  for (size_t index = 0; index < words_.size(); ++index) {
    count += static_cast<uint32_t>(std::popcount(words_[index] & ~other.words_[index]));
  }
  return count;
}

bool BitSet::intersects(const BitSet& other) const {
  ENSURE(size_ == other.size_);
  for (size_t index = 0; index < words_.size(); ++index) {
    if ((words_[index] & other.words_[index]) != 0) {
      return true;
    }
  }
  return false;
}

uint32_t BitSet::find_set(uint32_t from) const {
  if (from >= size_) {
    return size_;
  }
  size_t word = from / 64;
  uint64_t bits = words_[word] & (~uint64_t{0} << (from % 64));
  while (bits == 0) {
    if (++word == words_.size()) {
      return size_;
    }
    bits = words_[word];
  }
  return static_cast<uint32_t>(word * 64) + static_cast<uint32_t>(std::countr_zero(bits));
}

uint32_t BitSet::find_unset(uint32_t from) const {
  if (from >= size_) {
    return size_;
  }
  size_t word = from / 64;
  uint64_t bits = ~words_[word] & (~uint64_t{0} << (from % 64));
  while (bits == 0) {
    if (++word == words_.size()) {
      return size_;
    }
    bits = ~words_[word];
  }
  const uint32_t index =
      static_cast<uint32_t>(word * 64) + static_cast<uint32_t>(std::countr_zero(bits));
  return std::min(index, size_);
}

void BitSet::to_wire(std::span<uint8_t> out) const {
  ENSURE(out.size() == wire_bytes());
  std::fill(out.begin(), out.end(), uint8_t{0});
  for_each([&](uint32_t index) { out[index / 8] |= static_cast<uint8_t>(0x80U >> (index % 8)); });
}

bool BitSet::from_wire(std::span<const uint8_t> wire) {
  if (wire.size() != wire_bytes()) {
    return false;
  }
  if (size_ % 8 != 0 && (wire.back() & (0xFFU >> (size_ % 8))) != 0) {
    return false;
  }
  reset_all();
  for (uint32_t index = 0; index < size_; ++index) {
    if ((wire[index / 8] & (0x80U >> (index % 8))) != 0) {
      set(index);
    }
  }
  return true;
}

}  // namespace murder
