#include "engine/hash/xxh3.h"

#include <doctest/doctest.h>

#include "engine/base/types.h"

using murder::as_bytes_of;
using murder::hash::xxh3_64;

TEST_CASE("XXH3 gives the values of its specification") {
  CHECK(xxh3_64({}) == 0x2D06800538D394C2U);
  CHECK(xxh3_64(as_bytes_of("a")) == 0xE6C632B61E964E1FU);
  CHECK(xxh3_64(as_bytes_of("abc")) == 0x78AF5F94892F3950U);
  CHECK(xxh3_64(as_bytes_of("abc"), 1) != xxh3_64(as_bytes_of("abc")));
}
