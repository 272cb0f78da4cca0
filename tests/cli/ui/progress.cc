#include "cli/ui/progress.h"

#include <doctest/doctest.h>

namespace murder::cli {
namespace {

constexpr uint64_t mebibyte = 1024 * 1024;

Instant at_ms(int64_t milliseconds) {
  return Instant(std::chrono::milliseconds(milliseconds));
}

host::Progress half_way() {
  return {.phase = "downloading",
          .done_bytes = 50 * mebibyte,
          .total_bytes = 100 * mebibyte,
          .peers = 12};
}

}  // namespace

TEST_CASE("a bar shows percent, sizes, rate, time left and peers") {
  const std::string bar = format_progress_bar(half_way(), 25.0 * mebibyte, 120);
  CHECK(bar.find("downloading  50% [====================>                   ]") == 0);
  CHECK(bar.find("50 MiB of 100 MiB") != std::string::npos);
  CHECK(bar.find("26.2 MB/s") != std::string::npos);
  CHECK(bar.find("2.0 s left") != std::string::npos);
  CHECK(bar.ends_with("12 peers"));
}

TEST_CASE("a bar is never wider than the terminal") {
  for (uint32_t columns = 1; columns <= 200; ++columns) {
    CHECK(format_progress_bar(half_way(), 1e6, columns).size() <= columns);
  }
}

TEST_CASE("a narrow terminal loses the bar before the facts") {
  const std::string bar = format_progress_bar(half_way(), 25.0 * mebibyte, 78);
  CHECK(bar.find("12 peers") != std::string::npos);
  CHECK(format_progress_bar(half_way(), 25.0 * mebibyte, 72).find('[') == std::string::npos);
}

TEST_CASE("100 percent is said only when all is there") {
  host::Progress progress = half_way();
  progress.done_bytes = progress.total_bytes - 1;
  CHECK(format_progress_line(progress, 0).find("99%") != std::string::npos);
  progress.done_bytes = progress.total_bytes;
  CHECK(format_progress_line(progress, 0).find("100%") != std::string::npos);
}

TEST_CASE("without a known total there is neither percent nor time left") {
  const std::string line =
      format_progress_line({.phase = "packing", .done_bytes = 5 * mebibyte, .peers = {}}, 1e6);
  CHECK(line.find('%') == std::string::npos);
  CHECK(line.find("left") == std::string::npos);
  CHECK(line.find("packing: 5") == 0);
}

TEST_CASE("a stalled transfer shows no time left") {
  CHECK(format_progress_line(half_way(), 0).find("left") == std::string::npos);
}

TEST_CASE("without a peer there is no rate, and it says what it waits for") {
  host::Progress progress = half_way();
  progress.peers = 0;
  const std::string line = format_progress_line(progress, 1e6);
  CHECK(line.find("/s") == std::string::npos);
  CHECK(line.ends_with("waiting for a peer that has the rest"));
}

TEST_CASE("one peer is not several") {
  host::Progress progress = half_way();
  progress.peers = 1;
  CHECK(format_progress_line(progress, 0).ends_with(", 1 peer"));
}

TEST_CASE("the rate follows a steady transfer from its first sample") {
  RateMeter meter;
  CHECK(meter.update(0, at_ms(0)) == 0);
  CHECK(meter.update(1'000'000, at_ms(1000)) == doctest::Approx(1e6));
  CHECK(meter.update(2'000'000, at_ms(2000)) == doctest::Approx(1e6));
}

TEST_CASE("the rate forgets the past within seconds") {
  RateMeter meter;
  double rate = meter.update(0, at_ms(0));
  for (int second = 1; second <= 10; ++second) {
    rate = meter.update(static_cast<uint64_t>(second) * 100'000'000, at_ms(second * 1000));
  }
  CHECK(rate == doctest::Approx(1e8));
  for (int second = 11; second <= 30; ++second) {
    rate = meter.update(1'000'000'000, at_ms(second * 1000));
  }
  CHECK(rate < 1e6);
}

TEST_CASE("a total that falls starts the rate anew") {
  RateMeter meter;
  (void)meter.update(1'000'000, at_ms(0));
  (void)meter.update(2'000'000, at_ms(1000));
  CHECK(meter.update(10, at_ms(2000)) == 0);
}

}  // namespace murder::cli
