#include "engine/swarm/active_pieces.h"

#include <doctest/doctest.h>

#include "engine/base/prng.h"

using murder::BlockRange;
using murder::BufferIndex;
using murder::Geometry;
using murder::Instant;
using murder::PieceIndex;
using murder::Prng;
using murder::swarm::ActivePiece;
using murder::swarm::ActivePieces;
using murder::swarm::SessionId;
using murder::swarm::unit_bytes;

namespace {

constexpr SessionId nobody;
constexpr Instant at_start{};

}  // namespace

TEST_CASE("the blocks of a piece cover it once, whatever the block size and its length") {
  for (const uint32_t block_bytes : {unit_bytes, 2 * unit_bytes, 8 * unit_bytes, 1U}) {
    for (const uint32_t size_bytes : {1U, unit_bytes, unit_bytes + 1, 5 * unit_bytes - 1}) {
      CAPTURE(block_bytes);
      CAPTURE(size_bytes);
      ActivePieces active({.total_bytes = size_bytes, .piece_bytes = 5 * unit_bytes}, 1);
      const BufferIndex buffer = active.start({0}, nobody, false, at_start);
      uint32_t end = 0;
      while (active.at(buffer).missing_count > 0) {
        const BlockRange block = active.take_missing(buffer, block_bytes, at_start);
        CHECK(block.offset == end);
        CHECK(block.size_bytes <= std::max(block_bytes, unit_bytes));
        end += block.size_bytes;
        active.mark_received(buffer, block, {}, at_start);
      }
      CHECK(end == size_bytes);
      CHECK(active.at(buffer).requested_count == 0);
      active.finish(buffer);
      CHECK(active.idle_count() == 1);
    }
  }
}

TEST_CASE("what was taken back is asked for again, beside what came") {
  ActivePieces active({.total_bytes = 8 * unit_bytes, .piece_bytes = 8 * unit_bytes}, 1);
  const BufferIndex buffer = active.start({0}, nobody, false, at_start);
  const BlockRange first = active.take_missing(buffer, 2 * unit_bytes, at_start);
  const BlockRange second = active.take_missing(buffer, 2 * unit_bytes, at_start);
  const BlockRange third = active.take_missing(buffer, 4 * unit_bytes, at_start);
  active.mark_missing(buffer, first);
  active.mark_received(buffer, second, {}, at_start);
  active.mark_missing(buffer, third);
  CHECK(active.at(buffer).received_count() == 2);
  // A run ends where something came already.
  CHECK(active.take_missing(buffer, 8 * unit_bytes, at_start) == first);
  CHECK(active.take_missing(buffer, 8 * unit_bytes, at_start) == third);
}

TEST_CASE("a restart forgets what came and from whom, and leaves what is under way") {
  ActivePieces active({.total_bytes = 4 * unit_bytes, .piece_bytes = 4 * unit_bytes}, 1);
  const BufferIndex buffer = active.start({0}, nobody, false, at_start);
  const BlockRange first = active.take_missing(buffer, unit_bytes, at_start);
  const BlockRange second = active.take_missing(buffer, unit_bytes, at_start);
  active.mark_received(buffer, first, {.session = {1, 1}}, at_start);
  CHECK(active.at(buffer).contributors.size() == 1);
  active.restart(buffer);
  CHECK(active.at(buffer).contributors.empty());
  CHECK(active.at(buffer).missing_count == 3);
  CHECK(active.at(buffer).requested_count == 1);
  active.mark_received(buffer, second, {.session = {2, 1}}, at_start);
  CHECK(active.at(buffer).contributors.size() == 1);
}

TEST_CASE("each contributor is named once") {
  ActivePieces active({.total_bytes = 6 * unit_bytes, .piece_bytes = 6 * unit_bytes}, 1);
  const BufferIndex buffer = active.start({0}, nobody, false, at_start);
  for (uint32_t unit = 0; unit < 6; ++unit) {
    const BlockRange block = active.take_missing(buffer, unit_bytes, at_start);
    active.mark_received(buffer, block, {.session = {unit % 2, 1}}, at_start);
  }
  CHECK(active.at(buffer).contributors.size() == 2);
}

TEST_CASE("a buffer that is used again begins anew") {
  ActivePieces active({.total_bytes = 3 * unit_bytes, .piece_bytes = 2 * unit_bytes}, 1);
  BufferIndex buffer = active.start({0}, nobody, true, at_start);
  CHECK(active.at(buffer).state == ActivePiece::State::leasing);
  CHECK(active.idle_count() == 0);
  active.at(buffer).solo = true;
  active.finish(buffer);
  buffer = active.start({1}, {3, 1}, false, at_start);
  CHECK(active.at(buffer).state == ActivePiece::State::receiving);
  CHECK(active.at(buffer).unit_count == 1);
  CHECK(active.at(buffer).missing_count == 1);
  CHECK_FALSE(active.at(buffer).solo);
  CHECK(active.at(buffer).contributors.empty());
}

TEST_CASE("the front is what came without a gap, and begins anew with a restart") {
  const uint32_t size_bytes = 4 * unit_bytes + 100;
  ActivePieces active({.total_bytes = size_bytes, .piece_bytes = 5 * unit_bytes}, 1);
  const BufferIndex buffer = active.start({0}, nobody, false, at_start);
  const uint32_t first_round = active.at(buffer).round;
  const BlockRange first = active.take_missing(buffer, 2 * unit_bytes, at_start);
  const BlockRange second = active.take_missing(buffer, unit_bytes, at_start);
  const BlockRange last = active.take_missing(buffer, 2 * unit_bytes, at_start);
  active.mark_received(buffer, second, {}, at_start);
  CHECK(active.at(buffer).front_bytes() == 0);
  active.mark_received(buffer, first, {}, at_start);
  CHECK(active.at(buffer).front_bytes() == 3 * unit_bytes);
  active.mark_received(buffer, last, {}, at_start);
  CHECK(active.at(buffer).front_bytes() == size_bytes);
  CHECK(active.at(buffer).round == first_round);
  active.restart(buffer);
  CHECK(active.at(buffer).front_bytes() == 0);
  CHECK(active.at(buffer).round != first_round);
  const uint32_t second_round = active.at(buffer).round;
  active.finish(buffer);
  CHECK(active.start({0}, nobody, false, at_start) == buffer);
  CHECK(active.at(buffer).round != second_round);
}
