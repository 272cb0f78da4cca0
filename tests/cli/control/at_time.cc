#include "cli/control/at_time.h"

#include <doctest/doctest.h>

namespace murder::cli {
namespace {

constexpr int64_t offset_s = 3600;  // a place one hour east

int64_t east(const trust::CivilTime& time) {
  return trust::seconds_of_utc(time) - offset_s;
}

trust::CivilTime east_civil(int64_t seconds) {
  const std::string text = trust::time_text_of(static_cast<uint64_t>(seconds + offset_s));
  return {.year = std::stoll(text.substr(0, 4)),
          .month = std::stoll(text.substr(5, 2)),
          .day = std::stoll(text.substr(8, 2)),
          .hour = std::stoll(text.substr(11, 2)),
          .minute = std::stoll(text.substr(14, 2)),
          .second = std::stoll(text.substr(17, 2))};
}

constexpr ZoneClock zone{.seconds_of = east, .civil_of = east_civil};

int64_t utc(std::string_view text) {
  return trust::parse_time_text(text).value();
}

// What it comes to at 17:30 of the last day of November, local time; or the error.
std::string at(std::string_view text) {
  const Result<int64_t> seconds = parse_at(text, utc("2026-11-30T16:30:00Z"), zone);
  return seconds ? trust::time_text_of(static_cast<uint64_t>(*seconds)) : seconds.error().text;
}

std::string since(std::string_view text) {
  const Result<int64_t> seconds = parse_since(text, utc("2026-11-30T16:30:00Z"), zone);
  return seconds ? trust::time_text_of(static_cast<uint64_t>(*seconds)) : seconds.error().text;
}

bool is_refused(std::string_view text) {
  return !parse_at(text, utc("2026-11-30T16:30:00Z"), zone);
}

}  // namespace

TEST_CASE("--at: RFC 3339 with any offset") {
  CHECK(at("2026-12-01T02:00:00Z") == "2026-12-01T02:00:00Z");
  CHECK(at("2026-12-01t02:00:00z") == "2026-12-01T02:00:00Z");
  CHECK(at("2026-12-01T02:00:00+01:30") == "2026-12-01T00:30:00Z");
  CHECK(at("2026-12-01T02:00:00-0500") == "2026-12-01T07:00:00Z");
  CHECK(at("2026-12-01T02:00Z") == "2026-12-01T02:00:00Z");
}

TEST_CASE("--at: without an offset it is of this time zone") {
  CHECK(at("2026-12-01 02:00") == "2026-12-01T01:00:00Z");
  CHECK(at("2026-12-01T02:00:30") == "2026-12-01T01:00:30Z");
}

TEST_CASE("--at: a time of the day is the next one") {
  CHECK(at("18:00") == "2026-11-30T17:00:00Z");
  CHECK(at("17:30:01") == "2026-11-30T16:30:01Z");
  CHECK(at("17:30") == "2026-12-01T16:30:00Z");  // now, and so a day later
  CHECK(at("2:00") == "2026-12-01T01:00:00Z");
  CHECK(at("02:00") == "2026-12-01T01:00:00Z");
}

TEST_CASE("--at: today and tomorrow, also over the end of a month") {
  CHECK(at("today 23:59") == "2026-11-30T22:59:00Z");
  CHECK(at("tomorrow 02:00") == "2026-12-01T01:00:00Z");
  CHECK(at("tomorrow 23:00") == "2026-12-01T22:00:00Z");
}

TEST_CASE("--at: from now on") {
  CHECK(at("now") == "2026-11-30T16:30:00Z");
  CHECK(at("+10m") == "2026-11-30T16:40:00Z");
  CHECK(at("+2h") == "2026-11-30T18:30:00Z");
  CHECK(at("+90") == "2026-11-30T16:31:30Z");
  CHECK(at("+250ms") == "2026-11-30T16:30:01Z");  // never before
}

TEST_CASE("--at: what has passed and what is far ahead is refused, and why") {
  CHECK(at("2026-11-30T16:29:59Z") == "'2026-11-30T16:29:59Z' has passed");
  CHECK(at("today 17:29") == "'today 17:29' has passed");
  CHECK(at("2036-11-30T16:29:59Z") == "'2036-11-30T16:29:59Z' is more than 366 days ahead");
}

TEST_CASE("--at: any other text is refused") {
  for (const char* text : {"",
                           " ",
                           "soon",
                           "2",
                           "24:00",
                           "12:60",
                           "12:30:60",
                           "12:3",
                           "1:2:3:4",
                           "12:30x",
                           "+",
                           "+x",
                           "+-5m",
                           "-5m",
                           "2026-02-29 10:00",
                           "2026-13-01 10:00",
                           "2026-11-31T00:00:00Z",
                           "2026-12-01",
                           "2026-12-01T",
                           "2026-12-01T02:00:00+1",
                           "2026-12-01T02:00:00+25:00",
                           "2026-12-01T02:00:00Zx",
                           "1969-12-31T00:00:00Z",
                           "tomorrow",
                           "tomorrow ",
                           "tomorrow 2",
                           "yesterday 02:00",
                           "99999-01-01T00:00:00Z",
                           "+99999999999999999999d"}) {
    CAPTURE(text);
    CHECK(is_refused(text));
  }
  CHECK(is_refused(std::string(1000, '1')));
  CHECK(at("\x1b[2Jx").find('\x1b') == std::string::npos);
}

TEST_CASE("--at: the clock of this machine reads its own times back") {
  const ZoneClock local = local_clock();
  for (int64_t seconds = 1'700'000'000; seconds < 1'800'000'000; seconds += 9'999'991) {
    CHECK(local.seconds_of(local.civil_of(seconds)) == seconds);
  }
}

TEST_CASE("--since: that long ago, or the last time that the clock showed it") {
  CHECK(since("2h") == "2026-11-30T14:30:00Z");
  CHECK(since("90s") == "2026-11-30T16:28:30Z");
  CHECK(since("17:00") == "2026-11-30T16:00:00Z");
  CHECK(since("18:00") == "2026-11-29T17:00:00Z");
  CHECK(since("yesterday 18:00") == "2026-11-29T17:00:00Z");
  CHECK(since("2026-11-01 02:00") == "2026-11-01T01:00:00Z");
  CHECK(since("2026-11-01T02:00:00Z") == "2026-11-01T02:00:00Z");
  CHECK(since("2026-12-01 02:00") == "'2026-12-01 02:00' is yet to come");
  CHECK(since("last week").find("write 2h") != std::string::npos);
  CHECK(since("").find("write 2h") != std::string::npos);
}

}  // namespace murder::cli
