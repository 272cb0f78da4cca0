#include "engine/policy/link_estimate.h"

#include <doctest/doctest.h>

using murder::Duration;
using murder::Geometry;
using murder::Instant;
using murder::policy::LinkEstimate;
using namespace std::chrono_literals;

namespace {

constexpr uint32_t piece_bytes = 1'000'000;
constexpr Geometry geometry{.total_bytes = uint64_t{256} * piece_bytes, .piece_bytes = piece_bytes};

// Moves pieces of a link of 1 GB/s, one a millisecond.
void move(LinkEstimate& link, Instant& now, uint64_t& total, uint32_t pieces) {
  for (uint32_t piece = 0; piece < pieces; ++piece) {
    now += 1ms;
    total += piece_bytes;
    link.piece_moved(total, total / 2, now);
  }
}

// A link of 1 GB/s that is known to be one.
LinkEstimate measured() {
  LinkEstimate link(geometry);
  Instant now{1s};
  uint64_t total = 0;
  move(link, now, total, 20);
  return link;
}

}  // namespace

TEST_CASE("the rate is what the better direction moved, and idle times do not count") {
  LinkEstimate link(geometry);
  Instant now{1s};
  uint64_t total = 0;
  CHECK(link.bytes_per_second() == 0);
  CHECK(link.piece_duration() == Duration{});
  move(link, now, total, 20);
  CHECK(link.bytes_per_second() == doctest::Approx(1e9).epsilon(0.01));
  for (int round = 0; round < 10; ++round) {
    now += 1s;
    move(link, now, total, 20);
  }
  CHECK(link.bytes_per_second() == doctest::Approx(1e9).epsilon(0.1));
  CHECK(link.piece_duration() > 1900us);
  CHECK(link.piece_duration() < 2300us);
}

TEST_CASE("a link that became slow is known to be, after a while") {
  LinkEstimate link(geometry);
  Instant now{1s};
  uint64_t total = 0;
  move(link, now, total, 20);
  for (int piece = 0; piece < 1000; ++piece) {
    now += 20ms;
    total += piece_bytes;
    link.piece_moved(total, 0, now);
  }
  CHECK(link.bytes_per_second() < 0.1e9);
}

TEST_CASE("more slots where the way to neighbours is long, one where there are few pieces") {
  struct Case {
    uint32_t piece_count;
    Duration round_trip;
    uint32_t slots;
  };
  const Case cases[] = {{256, 100us, 2}, {256, 200us, 4}, {256, 500us, 4}, {256, 800us, 8},
                        {256, 10ms, 8},  {64, 100us, 2},  {63, 100us, 1},  {63, 200us, 2},
                        {63, 800us, 4},  {63, 10ms, 8}};
  for (const Case& one : cases) {
    LinkEstimate link(
        {.total_bytes = uint64_t{one.piece_count} * piece_bytes, .piece_bytes = piece_bytes});
    CHECK(link.slot_count() == (one.piece_count < 64 ? 1 : 2));
    Instant now{1s};
    uint64_t total = 0;
    move(link, now, total, 20);
    link.round_trip(one.round_trip);
    CAPTURE(link.latency_in_piece_times());
    CHECK(link.slot_count() == one.slots);
  }
}

TEST_CASE("one answer that was held up does not change what is known of the way") {
  LinkEstimate link(geometry);
  for (int count = 0; count < 50; ++count) {
    link.round_trip(100us);
  }
  link.round_trip(10s);
  CHECK(link.round_trip() < 150us);
}

TEST_CASE("what neighbours say of their links decides, so that all come to the same slots") {
  LinkEstimate link = measured();
  link.round_trip(100us);
  CHECK(link.slot_count() == 2);
  link.neighbours_rate(8 * link.bytes_per_second());
  link.round_trip(100us);
  CHECK(link.slot_count() == 8);
}

TEST_CASE("answers that wait behind payload do not make the way longer") {
  LinkEstimate link = measured();
  for (int count = 0; count < 400; ++count) {
    link.round_trip(count % 2 == 0 ? 20us : 2ms);
  }
  CHECK(link.round_trip() > 500us);
  CHECK(link.latency_in_piece_times() < 0.015);
  CHECK(link.slot_count() == 2);
}

TEST_CASE("the next piece is agreed on six latencies ahead, a tenth of the piece at the least") {
  LinkEstimate link(geometry);
  CHECK(link.tail_bytes(piece_bytes) == piece_bytes / 10);
  Instant now{1s};
  uint64_t total = 0;
  move(link, now, total, 20);
  link.round_trip(10us);
  CHECK(link.tail_bytes(piece_bytes) == piece_bytes / 10);
  LinkEstimate far(geometry);
  total = 0;
  move(far, now, total, 20);
  far.round_trip(600us);  // latency 0.3: four slots of 250 MB/s
  CHECK(far.tail_bytes(piece_bytes) == doctest::Approx(450'000).epsilon(0.05));
  far.round_trip(2400us);
  for (int count = 0; count < 100; ++count) {
    far.round_trip(2400us);
  }
  CHECK(far.tail_bytes(piece_bytes) == piece_bytes / 2);
}
