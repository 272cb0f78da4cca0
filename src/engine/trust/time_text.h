// Points in time as text, for the years 1970 to 9999. A clock is not asked.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace murder::trust {

// What a clock and a calendar show. Days, hours and the like that are too many run over, as in
// mktime(3).
struct CivilTime {
  int64_t year = 1970;
  int64_t month = 1;  // 1 to 12
  int64_t day = 1;
  int64_t hour = 0;
  int64_t minute = 0;
  int64_t second = 0;
};

[[nodiscard]] int64_t seconds_of_utc(const CivilTime& time);
// Seconds since 1970 of what a clock shows in some time zone.
using LocalTime = int64_t (*)(const CivilTime& time);

// "2026-11-29T16:31:12Z". What is beyond the year 9999 is "never".
[[nodiscard]] std::string time_text_of(uint64_t seconds);
// From exactly that, of a date that there is.
[[nodiscard]] std::optional<int64_t> parse_time_text(std::string_view text);

// As in allowed_signers: YYYYMMDD, YYYYMMDDHHMM or YYYYMMDDHHMMSS, with "Z" or "UTC" behind it in
// UTC, else in the time zone of `local`. nullopt also for what is not after 1970 began.
[[nodiscard]] std::optional<int64_t> parse_compact_time(std::string_view text, LocalTime local);

}  // namespace murder::trust
