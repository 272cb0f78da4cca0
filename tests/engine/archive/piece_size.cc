#include "engine/archive/piece_size.h"

#include <doctest/doctest.h>

#include <bit>

#include "engine/base/bounds.h"

using namespace murder;
using namespace murder::archive;

TEST_CASE("piece sizes are powers of two within bounds, and grow with the archive") {
  uint32_t previous = 0;
  for (uint64_t bytes = 0; bytes < (1ULL << 50U); bytes = bytes * 2 + 12345) {
    CAPTURE(bytes);
    const uint32_t piece_bytes = piece_size_for(bytes);
    CHECK(validate_piece_size(piece_bytes));
    CHECK(piece_bytes >= previous);
    CHECK(piece_bytes <= 16 * 1024 * 1024);
    previous = piece_bytes;
  }
}

TEST_CASE("there are at least 400 pieces as soon as they can have 256 KiB") {
  constexpr uint64_t cheap_bytes = 256 * 1024;
  for (uint64_t bytes = 400 * cheap_bytes; bytes < (1ULL << 45U); bytes += bytes / 3) {
    CAPTURE(bytes);
    CHECK(bytes / piece_size_for(bytes) >= 400);
  }
  CHECK(piece_size_for(1) == limits::piece_bytes_min);
  CHECK(piece_size_for(128ULL << 20U) == 256 * 1024);
}

TEST_CASE("a small release has no more pieces than its hosts need, if they have 16 to 256 KiB") {
  const uint64_t mib = 1ULL << 20U;
  CHECK(piece_size_for(64 * mib, 1000) == 256 * 1024);
  CHECK(piece_size_for(64 * mib, 50'000) == 128 * 1024);
  CHECK(piece_size_for(32 * mib, 1000) == 128 * 1024);
  CHECK(piece_size_for(32 * mib, 16) == 256 * 1024);
  CHECK(piece_size_for(16 * mib, 16) == 128 * 1024);
  CHECK(piece_size_for(mib, 16) == limits::piece_bytes_min);
}

TEST_CASE("there are at least 25 pieces for each doubling that the fleet takes") {
  for (const uint32_t hosts : {1U, 16U, 1000U, 50'000U, 200'000U, hosts_expected_max}) {
    CAPTURE(hosts);
    const uint64_t pieces = 25ULL * std::bit_width(hosts);
    for (uint64_t bytes = pieces * limits::piece_bytes_min; bytes < (1ULL << 45U);
         bytes += bytes / 3) {
      CAPTURE(bytes);
      CHECK(bytes / piece_size_for(bytes, hosts) >= pieces);
    }
  }
  CHECK(pieces_least_for(1'000'000) == 500);
}

TEST_CASE("a large release has pieces of 1 MiB to 2 MiB") {
  const uint64_t gib = 1ULL << 30U;
  const uint32_t mib = 1024 * 1024;
  CHECK(piece_size_for(gib / 2, 1000) == mib);
  CHECK(piece_size_for(gib, 16) == 2 * mib);
  CHECK(piece_size_for(gib, 50'000) == 2 * mib);
  CHECK(piece_size_for(gib, hosts_expected_max) == 2 * mib);
  CHECK(piece_size_for(100 * gib, 1000) == 2 * mib);
  for (uint64_t bytes = gib / 2; bytes < (1ULL << 37U); bytes += bytes / 5) {
    for (uint32_t hosts = 1; hosts <= hosts_expected_max / 2; hosts *= 2) {
      CAPTURE(bytes);
      CAPTURE(hosts);
      CHECK(piece_size_for(bytes, hosts) >= piece_size_for(bytes, hosts * 2));
      CHECK(piece_size_for(bytes, hosts) >= mib);
      CHECK(piece_size_for(bytes, hosts) <= 2 * mib);
    }
  }
}

TEST_CASE("piece sizes that stock clients would refuse are refused") {
  for (const uint64_t bytes : {uint64_t{0}, uint64_t{8192}, uint64_t{16385}, uint64_t{48 * 1024},
                               uint64_t{limits::piece_bytes_max} * 2, uint64_t{1} << 63U}) {
    CAPTURE(bytes);
    CHECK_FALSE(validate_piece_size(bytes));
  }
  CHECK(validate_piece_size(16384));
  CHECK(validate_piece_size(limits::piece_bytes_max));
}
