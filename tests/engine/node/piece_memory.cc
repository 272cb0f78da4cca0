#include "engine/node/piece_memory.h"

#include <doctest/doctest.h>

#include <cstring>

#include "engine/base/bounds.h"

using namespace murder;
using node::PieceMemory;

namespace {

constexpr Geometry geometry{.total_bytes = 100 * 65536, .piece_bytes = 65536};

PieceMemory make(uint32_t buffers, uint32_t places) {
  auto made = PieceMemory::create(geometry, {.buffer_count = buffers, .place_count = places});
  REQUIRE(made);
  return std::move(*made);
}

void fill(PieceMemory& memory, BufferIndex buffer, uint8_t value) {
  std::memset(memory.at(buffer, 0), value, geometry.piece_bytes);
}

}  // namespace

TEST_CASE("a stored piece stays readable while its buffer is used for the next one") {
  PieceMemory memory = make(1, 2);
  fill(memory, {0}, 1);
  memory.verified({0}, {7});
  CHECK(memory.stored({0}));
  fill(memory, {0}, 2);
  const auto place = memory.find({7});
  REQUIRE(place);
  CHECK(memory.place(*place)[0] == 1);
  CHECK(memory.place(*place)[geometry.piece_bytes - 1] == 1);
  CHECK_FALSE(memory.find({8}));
}

TEST_CASE("the piece that was stored longest ago makes room") {
  PieceMemory memory = make(1, 3);
  for (uint32_t piece = 0; piece < 5; ++piece) {
    fill(memory, {0}, static_cast<uint8_t>(piece));
    memory.verified({0}, {piece});
    CHECK(memory.stored({0}));
  }
  CHECK_FALSE(memory.find({0}));
  CHECK_FALSE(memory.find({2}));
  for (uint32_t piece = 3; piece < 5; ++piece) {
    const auto place = memory.find({piece});
    REQUIRE(place);
    CHECK(memory.place(*place)[0] == piece);
  }
}

TEST_CASE("what is being sent stays in its place") {
  PieceMemory memory = make(1, 3);
  fill(memory, {0}, 1);
  memory.verified({0}, {1});
  CHECK(memory.stored({0}));
  const uint32_t pinned = *memory.find({1});
  memory.pin(pinned);
  for (uint32_t piece = 2; piece < 9; ++piece) {
    fill(memory, {0}, static_cast<uint8_t>(piece));
    memory.verified({0}, {piece});
    CHECK(memory.stored({0}));
  }
  CHECK(memory.place(pinned)[0] == 1);
  REQUIRE(memory.find({1}));
  memory.unpin(pinned);
  memory.verified({0}, {9});
  CHECK(memory.stored({0}));
  memory.verified({0}, {10});
  CHECK(memory.stored({0}));
  CHECK_FALSE(memory.find({1}));
}

TEST_CASE("with every spare place in use, a buffer keeps its own") {
  PieceMemory memory = make(1, 2);
  memory.verified({0}, {1});
  CHECK(memory.stored({0}));
  memory.pin(*memory.find({1}));
  uint8_t* const before = memory.at({0}, 0);
  memory.verified({0}, {2});
  CHECK(memory.stored({0}));
  CHECK(memory.at({0}, 0) == before);
  CHECK_FALSE(memory.find({2}));
  PieceMemory none_spare = make(2, 2);
  none_spare.verified({1}, {3});
  CHECK(none_spare.find_unstored({3}));
  none_spare.pin(*none_spare.find({3}));
  CHECK_FALSE(none_spare.stored({1}));
  none_spare.unpin(*none_spare.find({3}));
  CHECK(none_spare.stored({1}));
  CHECK_FALSE(none_spare.find({3}));
}

TEST_CASE("memory is shared out within its budget") {
  const Geometry large{.total_bytes = 4ULL << 30U, .piece_bytes = 4 << 20};
  const auto usual = PieceMemory::size_for(large, large.piece_count(), 56ULL << 20U);
  CHECK(usual.place_count == 14);
  CHECK(usual.buffer_count == 11);
  const auto complete = PieceMemory::size_for(large, 0, 56ULL << 20U);
  CHECK(complete.place_count == 0);
  const auto tight = PieceMemory::size_for(large, 100, 1);
  CHECK(tight.buffer_count == limits::piece_buffers_min);
  CHECK(tight.place_count == limits::piece_buffers_min);
  const Geometry small{.total_bytes = 65536, .piece_bytes = 16384};
  const auto few = PieceMemory::size_for(small, 4, 56ULL << 20U);
  CHECK(few.buffer_count == 5);
  CHECK(few.place_count == 9);
}
