#include "engine/policy/late_piece.h"

#include <doctest/doctest.h>

using murder::policy::is_late;
using namespace std::chrono_literals;

TEST_CASE("a piece of which nothing came is late after one and a half usual times") {
  CHECK(!is_late({.elapsed = 149ms, .usual = 100ms, .unit_count = 4}));
  CHECK(is_late({.elapsed = 151ms, .usual = 100ms, .unit_count = 4}));
}

TEST_CASE("one of which some came is late when the rest would take so long again") {
  CHECK(!is_late({.elapsed = 400ms, .usual = 100ms, .unit_count = 4, .received_count = 3}));
  CHECK(is_late({.elapsed = 400ms, .usual = 100ms, .unit_count = 4, .received_count = 2}));
  CHECK(is_late({.elapsed = 460ms, .usual = 100ms, .unit_count = 4, .received_count = 3}));
}

TEST_CASE("none is late before the usual time, which is 300 ms where it is not known") {
  CHECK(!is_late({.elapsed = 99ms, .usual = 100ms, .unit_count = 100, .received_count = 1}));
  CHECK(is_late({.elapsed = 101ms, .usual = 100ms, .unit_count = 100, .received_count = 1}));
  CHECK(!is_late({.elapsed = 440ms, .unit_count = 4}));
  CHECK(is_late({.elapsed = 460ms, .unit_count = 4}));
}
