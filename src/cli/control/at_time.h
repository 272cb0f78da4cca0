// The time at which a rollout may begin, as operators write it (--at). Pure but for local_clock().
#pragma once

#include <cstdint>
#include <string_view>

#include "engine/base/result.h"
#include "engine/trust/time_text.h"

namespace murder::cli {

// What the calendar of a time zone shows, both ways.
struct ZoneClock {
  trust::LocalTime seconds_of = nullptr;
  trust::CivilTime (*civil_of)(int64_t seconds) = nullptr;
};
// The zone of this machine and user (TZ).
[[nodiscard]] ZoneClock local_clock();

// Seconds since 1970 of one of these:
//
//   2026-11-30T02:00:00Z, 2026-11-30T02:00:00+01:00   RFC 3339; the seconds may be left out
//   2026-11-30 02:00                                  in this time zone
//   02:00, 02:00:30                                   the next time that the clock shows this
//   today 02:00, tomorrow 02:00
//   +10m                                              from now on
//   now
//
// Errors: any other text, a date that there is not, a time that has passed.
[[nodiscard]] Result<int64_t> parse_at(std::string_view text, int64_t now_s, const ZoneClock& zone);

// A time that has passed: as above, but 02:00 is the last time that the clock showed this; also
// "yesterday 02:00", and 2h: that long ago. Errors: any other text, a time to come.
[[nodiscard]] Result<int64_t> parse_since(std::string_view text, int64_t now_s,
                                          const ZoneClock& zone);

}  // namespace murder::cli
