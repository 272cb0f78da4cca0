#include "engine/io/aligned_arena.h"

#include <doctest/doctest.h>

#include <cstdint>
#include <set>

using namespace murder;
using namespace murder::io;

TEST_CASE("an arena is page-aligned, whole pages, zero and writable") {
  auto arena = AlignedArena::create({.size_bytes = 10000, .huge_pages = true});
  REQUIRE(arena);
  const std::span<uint8_t> bytes = (*arena)->bytes();
  CHECK(reinterpret_cast<uintptr_t>(bytes.data()) % 4096 == 0);
  CHECK(bytes.size() == 12288);
  CHECK(bytes[12287] == 0);
  bytes[12287] = 1;
}

TEST_CASE("an arena that no machine has is an error, not a crash") {
  const auto arena = AlignedArena::create({.size_bytes = uint64_t{1} << 62U});
  REQUIRE_FALSE(arena);
  CHECK(arena.error().code == ErrorCode::limit);
}

TEST_CASE("a pool hands out each chunk once, refuses when empty, and takes back") {
  auto arena = AlignedArena::create({.size_bytes = 4 * 4096});
  REQUIRE(arena);
  ChunkPool pool((*arena)->bytes(), 4096);
  CHECK(pool.capacity() == 4);
  std::set<const uint8_t*> starts;
  for (int count = 0; count < 4; ++count) {
    const uint32_t index = pool.take();
    REQUIRE(index < 4);
    CHECK(pool.chunk(index).size() == 4096);
    starts.insert(pool.chunk(index).data());
  }
  CHECK(starts.size() == 4);
  CHECK(pool.free_count() == 0);
  CHECK(pool.take() == UINT32_MAX);
  pool.give_back(2);
  CHECK(pool.take() == 2);
  pool.give_back(0);
  pool.give_back(3);
  CHECK(pool.take() == 3);
}
