#include "engine/policy/hash_batching.h"

#include <doctest/doctest.h>

using namespace murder;
using murder::policy::HashBatching;

namespace {

Instant at_us(int64_t microseconds) {
  return Instant(std::chrono::microseconds(microseconds));
}

// Pieces that came every `interval_us`, the last at `at_us(2 * interval_us)`.
HashBatching after_two(int64_t interval_us, uint32_t lanes, bool wanted = true) {
  HashBatching batching(lanes, std::max(lanes, 16U));
  batching.piece_waits(wanted, at_us(interval_us));
  batching.hashed();
  batching.piece_waits(wanted, at_us(2 * interval_us));
  return batching;
}

}  // namespace

TEST_CASE("a lone piece is hashed at once: the first one, and where pieces come slowly") {
  HashBatching first(4, 16);
  first.piece_waits(true, at_us(1000));
  CHECK(first.hash_at({.waiting = 1, .receiving = 5, .idle_buffers = 5}, at_us(1000)) ==
        at_us(1000));
  const HashBatching slow = after_two(10'000, 4);
  CHECK(slow.hash_at({.waiting = 1, .receiving = 5, .idle_buffers = 5}, at_us(20'000)) ==
        at_us(20'000));
}

TEST_CASE("where pieces come fast, one waits for company, but not for long") {
  const HashBatching fast = after_two(500, 4);
  const Instant limit = at_us(1000) + HashBatching::wait_max;
  CHECK(fast.hash_at({.waiting = 1, .receiving = 5, .idle_buffers = 5}, at_us(1000)) == limit);
  CHECK(fast.hash_at({.waiting = 3, .receiving = 1, .idle_buffers = 1}, at_us(2000)) == limit);
}

TEST_CASE("what no neighbour lacks may wait longer, and for pieces that come less fast") {
  const HashBatching fast = after_two(500, 4, false);
  const HashBatching::Situation situation = {.waiting = 1, .receiving = 2, .idle_buffers = 9};
  CHECK(fast.hash_at(situation, at_us(1000)) == at_us(1000) + HashBatching::unwanted_wait_max);
  HashBatching::Situation many = situation;
  many.waiting = 15;
  CHECK(fast.hash_at(many, at_us(1000)) > at_us(1000));
  many.waiting = 16;
  CHECK(fast.hash_at(many, at_us(1000)) == at_us(1000));
  const HashBatching slower = after_two(10'000, 4, false);
  CHECK(slower.hash_at(situation, at_us(20'000)) ==
        at_us(20'000) + HashBatching::unwanted_wait_max);
  HashBatching::Situation pause = situation;
  pause.receiving = 0;
  CHECK(fast.hash_at(pause, at_us(1000)) == at_us(1000));
  pause.missing = 3;
  CHECK(fast.hash_at(pause, at_us(1000)) == at_us(1000) + HashBatching::unwanted_wait_max);
  CHECK(after_two(500, 4).hash_at(pause, at_us(1000)) == at_us(1000));
  HashBatching::Situation full = situation;
  full.idle_buffers = 0;
  CHECK(fast.hash_at(full, at_us(1000)) == at_us(1000));
  full.storing = 3;  // their buffers come free
  CHECK(fast.hash_at(full, at_us(1000)) > at_us(1000));
  full.waiting = 4;  // something for the disk
  CHECK(fast.hash_at(full, at_us(1000)) == at_us(1000));
  full.waiting = 3;
  full.buffers = 6;
  CHECK(fast.hash_at(full, at_us(1000)) == at_us(1000));  // there is no room for four
  CHECK(after_two(500, 4).hash_at(full, at_us(1000)) == at_us(1000));
  const HashBatching slow = after_two(100'000, 4, false);
  CHECK(slow.hash_at(situation, at_us(200'000)) == at_us(200'000));
}

TEST_CASE("enough pieces, none that could come, or no buffer for them: at once") {
  const HashBatching fast = after_two(500, 4);
  const Instant now = at_us(1000);
  CHECK(fast.hash_at({.waiting = 4, .receiving = 5, .idle_buffers = 5}, now) == now);
  CHECK(fast.hash_at({.waiting = 1, .receiving = 0, .idle_buffers = 5}, now) == now);
  CHECK(fast.hash_at({.waiting = 1, .receiving = 5, .idle_buffers = 0}, now) == now);
  HashBatching one_lane(1, 1);
  one_lane.piece_waits(true, at_us(500));
  one_lane.piece_waits(true, now);
  CHECK(one_lane.hash_at({.waiting = 1, .receiving = 5, .idle_buffers = 5}, now) == now);
}

TEST_CASE("the wait counts from the first that waits") {
  HashBatching batching = after_two(500, 4);
  batching.piece_waits(true, at_us(1500));
  CHECK(batching.hash_at({.waiting = 2, .receiving = 5, .idle_buffers = 5}, at_us(1500)) ==
        at_us(1000) + HashBatching::wait_max);
  batching.hashed();
  batching.piece_waits(true, at_us(2000));
  CHECK(batching.hash_at({.waiting = 1, .receiving = 5, .idle_buffers = 5}, at_us(2000)) ==
        at_us(2000) + HashBatching::wait_max);
}
