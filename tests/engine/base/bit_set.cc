#include "engine/base/bit_set.h"

#include <doctest/doctest.h>

#include <vector>

#include "engine/base/prng.h"

using murder::BitSet;

TEST_CASE("a bit set counts what is in it, and setting twice counts once") {
  BitSet set(130);
  CHECK(set.set(0));
  CHECK(set.set(129));
  CHECK_FALSE(set.set(129));
  CHECK(set.count() == 2);
  CHECK(set.reset(0));
  CHECK_FALSE(set.reset(0));
  CHECK(set.count() == 1);
}

TEST_CASE("find_set and find_unset agree with a bit by bit search") {
  murder::Prng prng(7);
  for (int round = 0; round < 200; ++round) {
    const uint32_t size = prng.below(300);
    BitSet set(size);
    for (uint32_t index = 0; index < size; ++index) {
      if (prng.below(3) == 0) {
        set.set(index);
      }
    }
    for (uint32_t from = 0; from <= size; ++from) {
      uint32_t first_set = from;
      while (first_set < size && !set.test(first_set)) ++first_set;
      uint32_t first_unset = from;
      while (first_unset < size && set.test(first_unset)) ++first_unset;
      CHECK(set.find_set(from) == first_set);
      CHECK(set.find_unset(from) == first_unset);
    }
  }
}

TEST_CASE("the wire form is that of BEP 3 and comes back the same") {
  BitSet set(10);
  set.set(0);
  set.set(9);
  std::vector<uint8_t> wire(set.wire_bytes());
  set.to_wire(wire);
  CHECK(wire == std::vector<uint8_t>{0x80, 0x40});
  BitSet back(10);
  CHECK(back.from_wire(wire));
  CHECK(back.test(0));
  CHECK(back.test(9));
  CHECK(back.count() == 2);
}

TEST_CASE("a wire form with a spare bit set or of another length is refused and changes nothing") {
  BitSet set(10);
  set.set(3);
  CHECK_FALSE(set.from_wire(std::vector<uint8_t>{0x80, 0x20}));
  CHECK_FALSE(set.from_wire(std::vector<uint8_t>{0x80}));
  CHECK_FALSE(set.from_wire(std::vector<uint8_t>{0x80, 0x40, 0}));
  CHECK(set.count() == 1);
  CHECK(set.test(3));
}

TEST_CASE("set_all leaves no bit past the end") {
  BitSet set(70);
  set.set_all();
  CHECK(set.all());
  CHECK(set.words()[1] == 0x3f);
  BitSet empty(70);
  CHECK(set.has_any_outside(empty));
  CHECK_FALSE(empty.has_any_outside(set));
  empty.set(69);
  CHECK(set.count_outside(empty) == 69);
  CHECK(empty.count_outside(set) == 0);
}

TEST_CASE("each index of a set is visited once, in order") {
  BitSet set(200);
  const std::vector<uint32_t> expected = {0, 1, 63, 64, 130, 199};
  for (const uint32_t index : expected) {
    set.set(index);
  }
  std::vector<uint32_t> visited;
  set.for_each([&](uint32_t index) { visited.push_back(index); });
  CHECK(visited == expected);
}
