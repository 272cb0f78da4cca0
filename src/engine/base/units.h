// Sizes, rates and durations as people write them, both ways.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "engine/base/instant.h"
#include "engine/base/result.h"

namespace murder {

// "16384", "64KiB", "64K" (1024), "1MB" (1000), "1.5GiB", with or without a space. Bytes.
[[nodiscard]] Result<uint64_t> parse_size(std::string_view text);

// A size, then optionally "/s" ("400MB", "400MB/s"), or bits: "10gbit", "100Mbit/s". Bytes per
// second.
[[nodiscard]] Result<uint64_t> parse_rate(std::string_view text);

// "30s", "5m", "2h", "1d", "250ms", or a plain number of seconds.
[[nodiscard]] Result<Duration> parse_duration(std::string_view text);

[[nodiscard]] std::string format_size(uint64_t bytes);  // "0 B", "64 KiB", "1.5 GiB"
[[nodiscard]] std::string format_rate(
    double bytes_per_second);                                  // "1.2 GB/s" (decimal, as links are)
[[nodiscard]] std::string format_duration(Duration duration);  // "0.8 s", "12 s", "3 min 05 s"

}  // namespace murder
