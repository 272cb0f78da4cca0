#include "engine/base/slab.h"

#include <doctest/doctest.h>

#include <cstdint>
#include <string>
#include <vector>

TEST_CASE("a handle of an earlier generation finds nothing") {
  murder::Slab<std::string> slab(2);
  const auto first = slab.make("one");
  CHECK(*slab.get(first) == "one");
  slab.free(first);
  CHECK(slab.get(first) == nullptr);
  const auto second = slab.make("two");
  CHECK(second.slot == first.slot);
  CHECK(slab.get(first) == nullptr);
  CHECK(*slab.get(second) == "two");
}

TEST_CASE("a slab is full at its capacity and visits what lives") {
  murder::Slab<int> slab(3);
  slab.make(1);
  const auto two = slab.make(2);
  slab.make(3);
  CHECK(slab.full());
  slab.free(two);
  int sum = 0;
  slab.each([&](auto, int value) { sum += value; });
  CHECK(sum == 4);
  CHECK(slab.size() == 2);
}

TEST_CASE("each item is visited once in slot order, also when visits free and make others") {
  murder::Slab<uint32_t> slab(200);
  std::vector<murder::Handle<uint32_t>> handles;
  for (uint32_t number = 0; number < 150; ++number) {
    handles.push_back(slab.make(number));
  }
  for (uint32_t number = 0; number < 150; number += 7) {
    slab.free(handles[number]);
  }
  std::vector<uint32_t> visited;
  slab.each([&](auto handle, uint32_t value) {
    visited.push_back(value);
    if (value == 62) {
      slab.free(handles[64]);
    }
    if (value % 2 == 1) {
      slab.free(handle);
    }
  });
  std::vector<uint32_t> expected;
  for (uint32_t number = 0; number < 150; ++number) {
    if (number % 7 != 0 && number != 64) {
      expected.push_back(number);
    }
  }
  CHECK(visited == expected);
}

TEST_CASE("an item stays where it is while others are made") {
  murder::Slab<std::string> slab(100);
  const auto first = slab.make("first");
  const std::string* place = slab.get(first);
  for (int count = 0; count < 99; ++count) {
    slab.make("another");
  }
  CHECK(slab.full());
  CHECK(slab.get(first) == place);
}
