#include "engine/policy/receive_gathering.h"

#include <doctest/doctest.h>

using namespace murder;
using namespace murder::policy;

namespace {

constexpr uint64_t enough = 1 << 30;

}  // namespace

TEST_CASE("receive gathering: from a slow peer whatever comes is taken at once") {
  CHECK(bytes_to_gather(0, enough) == 1);
  CHECK(bytes_to_gather(30e6, enough) == 1);
}

TEST_CASE("receive gathering: what comes in two milliseconds, as a power of two") {
  CHECK(bytes_to_gather(33e6, enough) == 64 << 10);
  CHECK(bytes_to_gather(100e6, enough) == 128 << 10);
  CHECK(bytes_to_gather(200e6, enough) == 256 << 10);
}

TEST_CASE("receive gathering: bounded whatever the rate") {
  CHECK(bytes_to_gather(1e9, enough) == 512 << 10);
  CHECK(bytes_to_gather(1e18, UINT64_MAX) == 512 << 10);
}

TEST_CASE("receive gathering: the window stays open") {
  CHECK(gathered_in_buffer(512 << 10, 128 << 10) == 1);
  CHECK(gathered_in_buffer(512 << 10, 1 << 20) == 128 << 10);
  CHECK(gathered_in_buffer(512 << 10, 6 << 20) == 512 << 10);
  CHECK(gathered_in_buffer(64 << 10, 6 << 20) == 64 << 10);
  CHECK(gathered_in_buffer(64 << 10, 0) == 1);
}

TEST_CASE("receive gathering: most of what was asked for is still to come meanwhile") {
  CHECK(bytes_to_gather(1e9, 0) == 1);
  CHECK(bytes_to_gather(1e9, (256 << 10) - 1) == 1);
  CHECK(bytes_to_gather(1e9, 256 << 10) == 64 << 10);
  CHECK(bytes_to_gather(1e9, 1 << 20) == 256 << 10);
}
