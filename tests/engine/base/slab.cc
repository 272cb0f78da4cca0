#include "engine/base/slab.h"

#include <doctest/doctest.h>

#include <string>

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
