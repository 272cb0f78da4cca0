#include "engine/trust/time_text.h"

#include <doctest/doctest.h>

using namespace murder::trust;

namespace {

// A place two hours east.
int64_t east(const CivilTime& time) {
  return seconds_of_utc(time) - 7200;
}

}  // namespace

TEST_CASE("seconds and texts stand for each other, in every year") {
  CHECK(time_text_of(0) == "1970-01-01T00:00:00Z");
  CHECK(time_text_of(1795969872) == "2026-11-29T16:31:12Z");
  CHECK(time_text_of(951782400) == "2000-02-29T00:00:00Z");
  CHECK(time_text_of(253402300799) == "9999-12-31T23:59:59Z");
  CHECK(time_text_of(253402300800) == "never");
  CHECK(time_text_of(UINT64_MAX) == "never");
  for (int64_t seconds = 0; seconds < 253402300800; seconds += 86400 * 13 + 4711) {
    CHECK(parse_time_text(time_text_of(static_cast<uint64_t>(seconds))) == seconds);
  }
}

TEST_CASE("a time has one text") {
  for (const char* text :
       {"", "2026-11-29", "2026-11-29T16:31:12", "2026-11-29t16:31:12Z", "2026-11-29 16:31:12Z",
        "2026-02-29T00:00:00Z", "2026-13-01T00:00:00Z", "2026-00-01T00:00:00Z",
        "2026-01-00T00:00:00Z", "2026-01-01T24:00:00Z", "2026-01-01T00:60:00Z",
        "2026-01-01T00:00:60Z", "1969-12-31T23:59:59Z", "+026-01-01T00:00:00Z",
        "2026-01-01T00:00:00Zx", "2026-1 -01T00:00:00Z"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_time_text(text));
  }
}

TEST_CASE("times of allowed_signers are of a time zone unless they say UTC") {
  CHECK(parse_compact_time("20261129Z", east) == seconds_of_utc({2026, 11, 29}));
  CHECK(parse_compact_time("20261129", east) == seconds_of_utc({2026, 11, 29}) - 7200);
  CHECK(parse_compact_time("202611291631utc", east) == seconds_of_utc({2026, 11, 29, 16, 31}));
  CHECK(parse_compact_time("20261129163112z", east) == 1795969872);
  // As mktime(3) and OpenSSH read it.
  CHECK(parse_compact_time("20260231Z", east) == seconds_of_utc({2026, 3, 3}));
  CHECK(parse_compact_time("2026 1 2Z", east) == seconds_of_utc({2026, 1, 2}));
  for (const char* text :
       {"", "Z", "2026", "2026112", "202611291", "20261329Z", "20260032Z", "2026112924Z",
        "202611292460Z", "20261129166012Z", "2026112916311Z", "19700101Z", "19690101Z",
        "2026-11-29", "20261129 Z", "20261129ZZ", "2026112x", "202611  Z", "2026111 Z"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_compact_time(text, east));
  }
}
