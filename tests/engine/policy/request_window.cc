#include "engine/policy/request_window.h"

#include <doctest/doctest.h>

using murder::policy::adapted_window;
using murder::policy::window_bytes;
using namespace std::chrono_literals;

namespace {

constexpr uint32_t kib = 1024;
constexpr uint32_t window_max = 4096 * kib;

}  // namespace

TEST_CASE("a window begins at a sixteenth of the release, 32 to 256 KiB, or two grains") {
  CHECK(window_bytes({.grain_bytes = 16 * kib, .release_bytes = 100 * kib}, window_max) ==
        32 * kib);
  CHECK(window_bytes({.grain_bytes = 16 * kib, .release_bytes = 1600 * kib}, window_max) ==
        100 * kib);
  CHECK(window_bytes({.grain_bytes = 16 * kib, .release_bytes = uint64_t{1} << 40U}, window_max) ==
        256 * kib);
  CHECK(window_bytes({.grain_bytes = 200 * kib, .release_bytes = uint64_t{1} << 40U}, window_max) ==
        400 * kib);
}

TEST_CASE("it is what it has come to, within its bound") {
  CHECK(window_bytes({.grain_bytes = kib, .adapted_bytes = 777 * kib}, window_max) == 777 * kib);
  CHECK(window_bytes({.grain_bytes = kib, .adapted_bytes = 2 * window_max}, window_max) ==
        window_max);
}

TEST_CASE("one that serves in slices is asked for what it brings in a second") {
  CHECK(window_bytes({.grain_bytes = kib, .download_rate = 1e6, .serves_in_slices = true},
                     window_max) == 1'000'000);
  CHECK(window_bytes({.grain_bytes = kib, .download_rate = 1e12, .serves_in_slices = true},
                     window_max) == window_max);
  CHECK(window_bytes({.grain_bytes = kib, .download_rate = 1e6}, window_max) == 32 * kib);
}

TEST_CASE("it grows by a grain while answers are quick, and shrinks by half of one while not") {
  CHECK(adapted_window(100 * kib, 10 * kib, 21ms, 10ms) == 110 * kib);
  CHECK(adapted_window(100 * kib, 10 * kib, 22ms, 10ms) == 95 * kib);
  CHECK(adapted_window(100 * kib, 10 * kib, 201ms, 1s) == 110 * kib);  // no more than 100 ms count
  CHECK(adapted_window(100 * kib, 10 * kib, 203ms, 1s) == 95 * kib);
}
