#include "engine/base/units.h"

#include <doctest/doctest.h>

using namespace murder;

TEST_CASE("sizes are read as people write them") {
  CHECK(parse_size("16384").value() == 16384);
  CHECK(parse_size("64KiB").value() == 65536);
  CHECK(parse_size("64k").value() == 65536);
  CHECK(parse_size("1GB").value() == 1'000'000'000);
  CHECK(parse_size("1.5 GiB").value() == 1610612736);
  CHECK(parse_size("0").value() == 0);
  for (const char* text :
       {"", "x", "-1", "1XB", "1e400", "nan", "inf", "KiB", "1 000", "999999999PB"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_size(text));
  }
}

TEST_CASE("rates are bytes a second, or bits when they say so") {
  CHECK(parse_rate("400MB").value() == 400'000'000);
  CHECK(parse_rate("400MB/s").value() == 400'000'000);
  CHECK(parse_rate("10gbit").value() == 1'250'000'000);
  CHECK(parse_rate("100Mbit/s").value() == 12'500'000);
  CHECK_FALSE(parse_rate("fast"));
}

TEST_CASE("durations are read with their unit, seconds without") {
  CHECK(parse_duration("30s").value() == std::chrono::seconds(30));
  CHECK(parse_duration("250ms").value() == std::chrono::milliseconds(250));
  CHECK(parse_duration("2h").value() == std::chrono::hours(2));
  CHECK(parse_duration("5").value() == std::chrono::seconds(5));
  CHECK_FALSE(parse_duration("5 weeks"));
  CHECK_FALSE(parse_duration("-5s"));
}

TEST_CASE("what is printed is short and has a unit") {
  CHECK(format_size(0) == "0 B");
  CHECK(format_size(65536) == "64 KiB");
  CHECK(format_size(1610612736) == "1.5 GiB");
  CHECK(format_rate(1.2e9) == "1.2 GB/s");
  CHECK(format_duration(std::chrono::milliseconds(80)) == "80 ms");
  CHECK(format_duration(std::chrono::milliseconds(800)) == "0.8 s");
  CHECK(format_duration(std::chrono::seconds(185)) == "3 min 05 s");
  CHECK(format_duration(std::chrono::seconds(7260)) == "2 h 01 min");
}
